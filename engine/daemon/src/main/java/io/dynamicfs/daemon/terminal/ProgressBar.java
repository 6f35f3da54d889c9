package io.dynamicfs.daemon.terminal;

import java.io.PrintStream;

/** One line on a terminal that shows how far a long work is; nothing at all in a pipe. */
public final class ProgressBar implements AutoCloseable {
    private static final int BAR_CELLS = 30;
    private static final int LINE_CELLS = 78;

    private final PrintStream terminal;
    private final boolean visible;
    private String shown = "";

    ProgressBar(PrintStream terminal, boolean visible) {
        this.terminal = terminal;
        this.visible = visible;
    }

    /** Shows itself on standard error when that is a terminal and the output is meant for people. */
    public static ProgressBar onTerminal(boolean wanted) {
        return new ProgressBar(System.err, wanted && Terminal.isInteractive());
    }

    /** {@code done} of {@code total}; a total of 0 is not known. */
    public void at(String step, long done, long total) {
        if (!visible) {
            return;
        }
        String line =
                total <= 0 ? step + "  " + done : step + "  " + bar(done, total) + " " + percent(done, total) + "%";
        String clipped = line.length() <= LINE_CELLS ? line : line.substring(0, LINE_CELLS);
        if (!clipped.equals(shown)) {
            terminal.print("\r" + clipped + " ".repeat(Math.max(0, shown.length() - clipped.length())));
            terminal.flush();
            shown = clipped;
        }
    }

    /** Wipes the line. */
    @Override
    public void close() {
        if (!shown.isEmpty()) {
            terminal.print("\r" + " ".repeat(shown.length()) + "\r");
            terminal.flush();
            shown = "";
        }
    }

    private static String bar(long done, long total) {
        int filled = (int) (percent(done, total) * BAR_CELLS / 100);
        return "[" + "#".repeat(filled) + "-".repeat(BAR_CELLS - filled) + "]";
    }

    private static long percent(long done, long total) {
        return Math.clamp((long) (100.0 * done / total), 0, 100);
    }
}
