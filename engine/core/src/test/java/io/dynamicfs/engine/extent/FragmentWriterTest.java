package io.dynamicfs.engine.extent;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.Redundancy;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FragmentWriterTest {
    private final ExtentFixture fixture = ExtentFixture.ofDisks(6, 1024);
    private final EncodedExtent encoded = fixture.encode(ExtentFixture.random(3 << 20, 1), new Redundancy(4, 2));
    private final List<BlockAddress> places =
            fixture.placement.place(6, encoded.geometry(), disk -> 0).orElseThrow();

    private List<FragmentWriter.Failure> write(boolean verify) {
        return fixture.writer.write(ExtentFixture.pieces(encoded, places), verify);
    }

    @Test
    void everyDiskIsFlushedOnceForAllItsPieces() {
        List<FragmentWriter.Piece> pieces = new java.util.ArrayList<>(ExtentFixture.pieces(encoded, places));
        EncodedExtent second =
                ExtentFixture.ofDisks(1, 1).encode(ExtentFixture.random(1000, 2), Redundancy.replicas(3));
        pieces.addAll(ExtentFixture.pieces(
                second, fixture.placement.place(7, second.geometry(), disk -> 0).orElseThrow()));
        assertThat(fixture.writer.write(pieces, true)).isEmpty();
        assertThat(fixture.devices)
                .allSatisfy(device -> assertThat(device.flushes()).isEqualTo(1));
    }

    @Test
    void aWriteThatTheDiskForgotIsFound() {
        fixture.devices.get(2).dropWrites(true);
        assertThat(write(true)).singleElement().satisfies(failure -> {
            assertThat(failure.disk()).isEqualTo(2);
            assertThat(failure.mismatch()).isTrue();
            assertThat(failure.reason()).contains("disk2").contains("other bytes than were written");
        });
        assertThat(fixture.disks.get(2).checksumErrors()).isEqualTo(1);
    }

    @Test
    void withoutVerificationAForgottenWriteIsNotFound() {
        fixture.devices.get(2).dropWrites(true);
        assertThat(write(false)).isEmpty();
    }

    @Test
    void aFailedFlushIsAFailureOfItsDiskOnly() {
        fixture.devices.get(4).failFlushes(true);
        assertThat(write(true)).singleElement().satisfies(failure -> {
            assertThat(failure.disk()).isEqualTo(4);
            assertThat(failure.mismatch()).isFalse();
            assertThat(failure.reason()).contains("flush");
        });
        assertThat(fixture.writer.flush(Set.of(3, 4)))
                .singleElement()
                .extracting(FragmentWriter.Failure::disk)
                .isEqualTo(4);
    }

    @Test
    void aFailedWriteIsAFailureAndTheDiskIsNotAskedForMore() {
        fixture.devices.get(1).failWritesAt(placeOn(1));
        assertThat(write(true)).singleElement().satisfies(failure -> {
            assertThat(failure.disk()).isEqualTo(1);
            assertThat(failure.mismatch()).isFalse();
        });
        assertThat(fixture.devices.get(1).flushes()).isZero();
        assertThat(fixture.disks.get(1).writeErrors()).isEqualTo(1);
    }

    @Test
    void aBlockThatCannotBeReadBackIsAFailure() {
        fixture.devices.get(5).failReadsAt(placeOn(5) + 4096);
        assertThat(write(true)).extracting(FragmentWriter.Failure::disk).containsExactly(5);
    }

    private long placeOn(int disk) {
        return places.stream()
                .filter(place -> place.disk() == disk)
                .findFirst()
                .orElseThrow()
                .offsetBytes();
    }
}
