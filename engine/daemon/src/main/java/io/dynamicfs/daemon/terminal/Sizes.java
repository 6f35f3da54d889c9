package io.dynamicfs.daemon.terminal;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and times as people write and read them. K, M, G, T, P are powers of 1024, with or without {@code iB} or {@code B}. */
public final class Sizes {
    private static final String UNITS = "KMGTP";
    private static final Pattern SIZE =
            Pattern.compile("([0-9]+)(?:\\.([0-9]{1,3}))?\\s*([KMGTP]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);

    private Sizes() {}

    /** Bytes of "10G", "512MiB", "1.5T" or a plain number; the exception's message says what was expected. */
    public static long parse(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw wrong(text);
        }
        long unit = unit(matcher.group(3));
        try {
            long whole = Math.multiplyExact(Long.parseLong(matcher.group(1)), unit);
            String fraction = matcher.group(2);
            if (fraction == null) {
                return whole;
            }
            if (unit == 1) {
                throw wrong(text);
            }
            long scale = (long) Math.pow(10, fraction.length());
            return Math.addExact(whole, Math.round((double) Long.parseLong(fraction) * unit / scale));
        } catch (ArithmeticException | NumberFormatException e) {
            throw wrong(text);
        }
    }

    /** "512 B", "1.5 GiB": three digits are enough for a table. */
    public static String human(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        while (value >= 1024 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        String digits = value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, digits + " %ciB", value, UNITS.charAt(unit));
    }

    /** "1.24 s", "3 min 05 s". */
    public static String duration(long millis) {
        if (millis < 1000) {
            return millis + " ms";
        }
        if (millis < 60_000) {
            return String.format(Locale.ROOT, "%.2f s", millis / 1000.0);
        }
        return String.format(Locale.ROOT, "%d min %02d s", millis / 60_000, millis / 1000 % 60);
    }

    private static long unit(String letter) {
        return letter.isEmpty() ? 1 : 1L << 10 * (UNITS.indexOf(letter.toUpperCase(Locale.ROOT)) + 1);
    }

    private static IllegalArgumentException wrong(String text) {
        return new IllegalArgumentException("expected a size such as 10G, 512MiB or 4096, found \"" + text + "\"");
    }
}
