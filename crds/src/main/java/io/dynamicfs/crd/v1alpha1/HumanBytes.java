package io.dynamicfs.crd.v1alpha1;

import java.util.Locale;

/** Sizes in columns and messages, written as Kubernetes writes quantities: 512Mi, 1.5Ti. */
public final class HumanBytes {
    private static final String UNITS = "KMGTPE";

    private HumanBytes() {}

    /** Three digits at most, and as a Kubernetes quantity can be read: 0, 512, 1.5Ti. Negative sizes count as 0. */
    public static String of(long bytes) {
        if (bytes < 1024) {
            return Long.toString(Math.max(0, bytes));
        }
        double value = bytes;
        int unit = -1;
        while (value >= 999.5 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        String digits = String.format(Locale.ROOT, value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value);
        if (digits.contains(".")) {
            digits = digits.replaceAll("0+$", "").replaceAll("\\.$", "");
        }
        return digits + UNITS.charAt(unit) + "i";
    }
}
