package io.dynamicfs.daemon.bench;

import java.util.Arrays;

/** The times of single operations of one thread, in nanoseconds; of very many, one in so many is kept. */
final class Latencies {
    private static final int KEPT_MAX = 1 << 16;

    private long[] nanos = new long[1024];
    private int kept;
    private long operations;
    private long every = 1;

    void add(long time) {
        if (operations++ % every != 0) {
            return;
        }
        if (kept == KEPT_MAX) {
            for (int i = 0; i < kept / 2; i++) {
                nanos[i] = nanos[2 * i];
            }
            kept /= 2;
            every *= 2;
        }
        if (kept == nanos.length) {
            nanos = Arrays.copyOf(nanos, 2 * kept);
        }
        nanos[kept++] = time;
    }

    long operations() {
        return operations;
    }

    /** The latency that {@code share} (0 to 1) of the operations of all threads stay below. */
    static long quantile(Iterable<Latencies> threads, double share) {
        long[] all = {};
        for (Latencies thread : threads) {
            int before = all.length;
            all = Arrays.copyOf(all, before + thread.kept);
            System.arraycopy(thread.nanos, 0, all, before, thread.kept);
        }
        Arrays.sort(all);
        return all.length == 0 ? 0 : all[(int) Math.min(all.length - 1L, (long) (all.length * share))];
    }
}
