package io.dynamicfs.csi.agent;

/** Sizes as Kubernetes writes them. */
final class Quantities {
    private static final String[] UNITS = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

    /** Below this a unit is too coarse to show. */
    private static final long SHOWN_MAX = 10_000;

    private Quantities() {}

    /** Rounded down to whole units, with three or four digits. */
    static String human(long bytes) {
        long value = bytes;
        int unit = 0;
        while (value >= SHOWN_MAX) {
            value >>= 10;
            unit++;
        }
        return value + UNITS[unit];
    }
}
