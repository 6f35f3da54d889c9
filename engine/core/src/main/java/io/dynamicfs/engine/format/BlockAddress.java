package io.dynamicfs.engine.format;

/** A block of {@link DiskGeometry#BLOCK_BYTES} on a disk of the pool, packed into 64 bits: disk index above, block number below. */
public record BlockAddress(int disk, long block) {
    public static final int BYTES = 8;
    public static final int BLOCK_BITS = 48;
    public static final long BLOCK_MAX = (1L << BLOCK_BITS) - 1;

    public BlockAddress {
        if (disk < 0 || disk > Identity.DISK_INDEX_MAX || block < 0 || block > BLOCK_MAX) {
            throw new IllegalArgumentException("no such block address: disk " + disk + ", block " + block);
        }
    }

    public static BlockAddress unpack(long packed) {
        return new BlockAddress((int) (packed >>> BLOCK_BITS), packed & BLOCK_MAX);
    }

    public long pack() {
        return (long) disk << BLOCK_BITS | block;
    }

    public long offsetBytes() {
        return block * DiskGeometry.BLOCK_BYTES;
    }
}
