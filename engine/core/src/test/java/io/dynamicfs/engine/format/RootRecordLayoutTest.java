package io.dynamicfs.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RootRecordLayoutTest {
    private final Random random = new Random(7);

    @Test
    void theSharedDigestIsTheSameOnEveryDiskAndDiffersWithTheState() {
        RootRecord root = Samples.root(random);
        RootRecord other = Samples.root(random);
        assertThat(RootRecordLayout.sharedDigest(root))
                .isEqualTo(RootRecordLayout.sharedDigest(root))
                .isNotEqualTo(RootRecordLayout.sharedDigest(other));
    }

    @Test
    void theSharedDigestCoversTheBytesOnDisk() {
        RootSlot slot = Samples.slot(random);
        MemorySegment block = Arena.ofAuto().allocate(RootRecordLayout.BYTES);
        RootRecordLayout.encode(slot, block);
        Digest expected = Blake3.hash(block.asSlice(128, 4064 - 128));
        assertThat(RootRecordLayout.sharedDigest(slot.root())).isEqualTo(expected);
    }

    @Test
    void whatCannotBeWrittenIsRefusedWhenItIsMade() {
        RootRecord root = Samples.root(random);
        assertThatThrownBy(() -> withRootDisks(root, List.of())).hasMessageContaining("1 to 16 root disks");
        assertThatThrownBy(() -> withRootDisks(root, List.of(3, 3))).hasMessageContaining("distinct");
        assertThatThrownBy(() -> withRootDisks(root, List.of(-1))).hasMessageContaining("distinct disk indexes");
        assertThatThrownBy(() -> new BlockAddress(0, 1L << 48)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void rootDisksAreSorted() {
        assertThat(withRootDisks(Samples.root(random), List.of(5, 1, 3)).rootDisks())
                .containsExactly(1, 3, 5);
    }

    private static RootRecord withRootDisks(RootRecord root, List<Integer> rootDisks) {
        return new RootRecord(
                root.generation(),
                root.epoch(),
                root.incarnation(),
                root.previous(),
                root.clean(),
                root.wallMillis(),
                root.metadataLosses(),
                root.metadataCopies(),
                rootDisks,
                root.poolTree(),
                root.chunkMap(),
                root.log(),
                root.operationSequence(),
                root.nextExtentId(),
                root.nextVolumeId());
    }
}
