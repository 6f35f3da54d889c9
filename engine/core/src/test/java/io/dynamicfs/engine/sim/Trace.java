package io.dynamicfs.engine.sim;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The last things that happened, for the report of a failure. */
final class Trace {
    private static final int LINES_MAX = 120;

    private final Deque<String> lines = new ArrayDeque<>();
    private long count;

    void add(String who, String what) {
        lines.addLast(count++ + " " + who + ": " + what);
        if (lines.size() > LINES_MAX) {
            lines.removeFirst();
        }
    }

    /** Printable ASCII, and no more than {@code length} characters. */
    static String readable(@Nullable Object value, int length) {
        String whole = String.valueOf(value);
        StringBuilder text = new StringBuilder();
        for (char c : whole.substring(0, Math.min(whole.length(), length)).toCharArray()) {
            text.append(c >= ' ' && c < 127 ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return whole.length() > length ? text + "...(" + whole.length() + ")" : text.toString();
    }

    @Override
    public String toString() {
        return String.join("\n", lines);
    }
}
