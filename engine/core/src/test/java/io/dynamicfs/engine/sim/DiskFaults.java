package io.dynamicfs.engine.sim;

import java.util.random.RandomGenerator;

/** How often a disk does what it should not, per I/O, in parts per thousand. All zero is a good disk. */
public final class DiskFaults {
    int readErrors;
    int writeErrors;
    int flushErrors;

    /** A write that answers well and never happens. */
    int lostWrites;

    /** A write that lands somewhere else. */
    int misdirectedWrites;

    /** A read that answers with another place's bytes. */
    int misdirectedReads;

    /** A read that answers with what was there before the last flush. */
    int staleReads;

    /** A read that answers with one bit turned; the next read is right again. */
    int flippedReads;

    /** Flushes that answer well and do nothing. */
    boolean lyingFlush;

    /** Discarded blocks keep their content, instead of turning to noise. */
    boolean ignoresDiscard;

    void clear() {
        readErrors = 0;
        writeErrors = 0;
        flushErrors = 0;
        lostWrites = 0;
        misdirectedWrites = 0;
        misdirectedReads = 0;
        staleReads = 0;
        flippedReads = 0;
        lyingFlush = false;
    }

    static boolean hits(RandomGenerator random, int perThousand) {
        return perThousand > 0 && random.nextInt(1000) < perThousand;
    }
}
