package io.dynamicfs.engine.alloc;

/** How much disks of different sizes can hold under a policy that puts every fragment of a stripe on another disk. */
public final class StripeSpace {
    private StripeSpace() {}

    /**
     * The largest number of stripes of {@code width} one-block fragments that fit: the largest s with sum(min(free[i], s)) >=
     * width * s.
     */
    public static long stripes(long[] freeBlocks, int width) {
        long high = 0;
        for (long free : freeBlocks) {
            high += free;
        }
        high /= width;
        long low = 0;
        while (low < high) {
            long middle = low + (high - low + 1) / 2;
            if (fits(freeBlocks, width, middle)) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private static boolean fits(long[] freeBlocks, int width, long stripes) {
        long sum = 0;
        for (long free : freeBlocks) {
            sum += Math.min(free, stripes);
        }
        return sum >= width * stripes;
    }
}
