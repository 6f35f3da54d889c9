package io.dynamicfs.engine.erasure;

/** A way to multiply a matrix over GF(256), polynomial 0x11D, with vectors of fragments. */
interface CodingKernel {
    String name();

    /** Prepares the product with {@code rows}, one row per output and one column per input. */
    Transform prepare(byte[][] rows);

    /** A prepared product, safe for many threads. */
    interface Transform {
        /** Addresses of {@code length} bytes each, a multiple of {@link ErasureCode#LENGTH_UNIT}, checked by the caller. */
        void apply(long[] inputs, long[] outputs, long length);
    }
}
