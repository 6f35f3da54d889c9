package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.BlockDevice;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of a disk, sparse and cheap to fork. Blocks never change once they are in; leaves are copied when a fork may
 * share them. A block that was never written is zero, or noise for a disk that was overwritten as a whole.
 */
final class BlockMap {
    private static final int LEAF_BLOCKS = 256;
    private static final byte[] ZEROS = new byte[BlockDevice.BLOCK_BYTES];

    private final byte[][] @Nullable [] leaves;
    private final boolean[] owned;
    private final int blocks;
    private final long noiseSeed;

    private BlockMap(byte[][] @Nullable [] leaves, int blocks, long noiseSeed) {
        this.leaves = leaves;
        this.owned = new boolean[leaves.length];
        this.blocks = blocks;
        this.noiseSeed = noiseSeed;
    }

    static BlockMap zeros(int blocks) {
        return new BlockMap(new byte[(blocks + LEAF_BLOCKS - 1) / LEAF_BLOCKS][][], blocks, 0);
    }

    /** Every block holds random bytes. {@code seed} is not 0. */
    static BlockMap noise(int blocks, long seed) {
        return new BlockMap(new byte[(blocks + LEAF_BLOCKS - 1) / LEAF_BLOCKS][][], blocks, seed);
    }

    /** An independent copy; costs one reference per MiB of the disk. */
    BlockMap fork() {
        Arrays.fill(owned, false);
        return new BlockMap(leaves.clone(), blocks, noiseSeed);
    }

    /** The content of a block; callers do not change it. */
    byte[] get(int block) {
        byte[][] leaf = leaves[block / LEAF_BLOCKS];
        byte[] found = leaf == null ? null : leaf[block % LEAF_BLOCKS];
        if (found != null) {
            return found;
        }
        return noiseSeed == 0 ? ZEROS : noiseBlock(noiseSeed + block);
    }

    /** Takes {@code content} over; nobody changes it afterwards. */
    void put(int block, byte[] content) {
        int index = block / LEAF_BLOCKS;
        byte[][] leaf = leaves[index];
        if (leaf == null) {
            leaf = new byte[LEAF_BLOCKS][];
        } else if (!owned[index]) {
            leaf = leaf.clone();
        }
        leaf[block % LEAF_BLOCKS] = content;
        leaves[index] = leaf;
        owned[index] = true;
    }

    /** A block that was written, or any block when the disk is nearly empty. */
    int pickWritten(RandomGenerator random) {
        for (int attempt = 0; attempt < 64; attempt++) {
            int start = random.nextInt(blocks);
            byte[][] leaf = leaves[start / LEAF_BLOCKS];
            if (leaf == null) {
                continue;
            }
            for (int i = 0; i < LEAF_BLOCKS; i++) {
                int block = start / LEAF_BLOCKS * LEAF_BLOCKS + (start + i) % LEAF_BLOCKS;
                if (block < blocks && leaf[block % LEAF_BLOCKS] != null) {
                    return block;
                }
            }
        }
        return random.nextInt(blocks);
    }

    static byte[] noiseBlock(long seed) {
        byte[] content = new byte[BlockDevice.BLOCK_BYTES];
        new SplittableRandom(seed).nextBytes(content);
        return content;
    }
}
