package io.dynamicfs.engine.fuse;

/**
 * What INIT has agreed on: the features that the kernel offers and we want. No locks are among them: a volume is mounted on
 * one node, where the kernel's own locks do, and these survive a change of the server.
 */
public record Negotiated(int minor, int readAheadBytes, long features, int pagesMax) {
    static final int MAJOR = 7;

    /** The oldest protocol served (Linux 5.4). */
    static final int MINOR_MIN = 31;

    static final int MINOR_MAX = 41;
    static final int DATA_BYTES_MAX = 1 << 20;
    static final int READ_AHEAD_BYTES_MAX = 1 << 20;
    static final int BACKGROUND_MAX = 64;
    static final int CONGESTION_THRESHOLD = 48;
    static final int TIME_GRANULARITY_NANOS = 1;

    public static final long ASYNC_READ = 1L;
    public static final long BIG_WRITES = 1L << 5;
    public static final long DONT_MASK = 1L << 6;
    public static final long READDIRPLUS = 1L << 13;
    public static final long READDIRPLUS_AUTO = 1L << 14;
    public static final long ASYNC_DIRECT_IO = 1L << 15;
    public static final long WRITEBACK_CACHE = 1L << 16;
    public static final long PARALLEL_DIRECTORY_OPERATIONS = 1L << 18;
    public static final long POSIX_ACL = 1L << 20;
    public static final long MAX_PAGES = 1L << 22;
    public static final long HANDLE_KILLPRIV_V2 = 1L << 28;
    public static final long SETXATTR_EXTENSION = 1L << 29;
    public static final long INIT_EXTENSION = 1L << 30;
    public static final long HAS_RESEND = 1L << 39;
    public static final long ALLOW_IDMAP = 1L << 40;

    static final long WANTED = ASYNC_READ
            | BIG_WRITES
            | DONT_MASK
            | READDIRPLUS
            | READDIRPLUS_AUTO
            | ASYNC_DIRECT_IO
            | WRITEBACK_CACHE
            | PARALLEL_DIRECTORY_OPERATIONS
            | POSIX_ACL
            | MAX_PAGES
            | HANDLE_KILLPRIV_V2
            | SETXATTR_EXTENSION
            | INIT_EXTENSION
            | HAS_RESEND
            | ALLOW_IDMAP;

    /** The answer to an offer. The upper features count only where INIT_EXTENSION is offered too. */
    static Negotiated of(int minor, int readAheadBytes, long offered, int pageBytes) {
        long valid = (offered & INIT_EXTENSION) != 0 ? offered : offered & 0xffff_ffffL;
        int readAhead = Integer.compareUnsigned(readAheadBytes, READ_AHEAD_BYTES_MAX) < 0
                ? readAheadBytes
                : READ_AHEAD_BYTES_MAX;
        return new Negotiated(
                Math.min(minor, MINOR_MAX), readAhead, valid & WANTED, Math.max(1, DATA_BYTES_MAX / pageBytes));
    }

    public boolean has(long feature) {
        return (features & feature) != 0;
    }
}
