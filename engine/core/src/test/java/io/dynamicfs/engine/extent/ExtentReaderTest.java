package io.dynamicfs.engine.extent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.hash.Blake3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExtentReaderTest {
    private static final int GROUP = ExtentGeometry.GROUP_BYTES;

    private enum Fault {
        MISSING,
        UNREADABLE,
        CORRUPT
    }

    /** Policies with lengths that fill their fragments, end within them, and leave some not stored. */
    static Stream<Arguments> extents() {
        return Stream.of("1x", "2x", "3x", "4x", "5x", "2+1", "4+2", "16+4")
                .flatMap(policy -> Stream.of(1, 5000, GROUP, 3 * GROUP + 1, 70_000, 16 * GROUP, 400_001)
                        .map(length -> Arguments.of(policy, length)));
    }

    @ParameterizedTest
    @MethodSource("extents")
    void whatWasWrittenIsRead(String policy, int length) throws Exception {
        Redundancy redundancy = Redundancy.parse(policy);
        ExtentFixture fixture = ExtentFixture.ofDisks(redundancy.fragments(), 512);
        byte[] data = ExtentFixture.random(length, 3);
        ExtentReader.Extent extent = fixture.store(data, redundancy);
        assertThat(extent.record().digest()).isEqualTo(Blake3.hash(data));
        assertThat(fixture.read(extent, 0, length)).isEqualTo(data);
        Random random = new Random(length);
        for (int i = 0; i < 40; i++) {
            int from = random.nextInt(length);
            int to = from + 1 + random.nextInt(length - from);
            assertThat(fixture.read(extent, from, to - from)).isEqualTo(Arrays.copyOfRange(data, from, to));
        }
        assertThat(fixture.bad).isEmpty();
        assertThat(fixture.reader.probe(extent)).hasSize(redundancy.fragments()).doesNotContain(false);
    }

    @ParameterizedTest
    @MethodSource("extents")
    void everyPatternOfAsManyFaultsAsThereIsParityIsReadRight(String policy, int length) throws Exception {
        Redundancy redundancy = Redundancy.parse(policy);
        byte[] data = ExtentFixture.random(length, 4);
        Random random = new Random(length);
        for (List<Integer> chosen : patterns(redundancy, random)) {
            ExtentFixture fixture = ExtentFixture.ofDisks(redundancy.fragments(), 512);
            ExtentReader.Extent extent = fixture.store(data, redundancy);
            List<Integer> pattern =
                    chosen.stream().filter(stored(extent)::contains).toList();
            String faults = damage(fixture, extent, pattern, random);
            assertThat(fixture.read(extent, 0, length)).as(faults).isEqualTo(data);
            for (int i = 0; i < 5; i++) {
                int from = random.nextInt(length);
                int to = from + 1 + random.nextInt(length - from);
                assertThat(fixture.read(extent, from, to - from))
                        .as("%s: %d to %d", faults, from, to)
                        .isEqualTo(Arrays.copyOfRange(data, from, to));
            }
            boolean[] good = fixture.reader.probe(extent);
            for (int i = 0; i < good.length; i++) {
                assertThat(good[i]).as("%s: fragment %d", faults, i).isEqualTo(!pattern.contains(i));
            }
            for (int fragment : pattern) {
                rebuildGivesWhatWasWritten(fixture, extent, data, fragment);
            }
        }
    }

    private static void rebuildGivesWhatWasWritten(
            ExtentFixture fixture, ExtentReader.Extent extent, byte[] data, int fragment) throws Exception {
        int stored = extent.geometry().storedBytes(fragment);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment rebuilt = arena.allocate(stored, 4096);
            fixture.reader.rebuild(extent, fragment, rebuilt);
            EncodedExtent expected =
                    new ExtentFixture(1).encode(data, extent.record().redundancy());
            assertThat(rebuilt.mismatch(expected.fragments().get(fragment))).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @MethodSource("extents")
    void oneFaultTooManyIsALossAndNeverWrongBytes(String policy, int length) {
        Redundancy redundancy = Redundancy.parse(policy);
        byte[] data = ExtentFixture.random(length, 6);
        Random random = new Random(length);
        ExtentFixture fixture = ExtentFixture.ofDisks(redundancy.fragments(), 512);
        ExtentReader.Extent extent = fixture.store(data, redundancy);
        List<Integer> stored = stored(extent);
        List<Integer> lost = new ArrayList<>(stored.subList(0, redundancy.parityFragments() + 1));
        String faults = damage(fixture, extent, lost, random);
        assertThatThrownBy(() -> fixture.read(extent, 0, length))
                .as(faults)
                .isInstanceOf(LostDataException.class)
                .hasMessageContaining("inode 2 of volume 1");
    }

    /** All patterns of m of the stored fragments, or some of them where there are many. */
    private static List<List<Integer>> patterns(Redundancy redundancy, Random random) {
        List<List<Integer>> all = new ArrayList<>();
        int m = redundancy.parityFragments();
        for (int bits = 0; bits < 1 << redundancy.fragments(); bits++) {
            if (Integer.bitCount(bits) == m) {
                List<Integer> pattern = new ArrayList<>();
                for (int i = 0; i < redundancy.fragments(); i++) {
                    if ((bits >>> i & 1) != 0) {
                        pattern.add(i);
                    }
                }
                all.add(pattern);
            }
        }
        java.util.Collections.shuffle(all, random);
        return all.subList(0, Math.min(all.size(), 24)).stream()
                .map(List::copyOf)
                .toList();
    }

    private static List<Integer> stored(ExtentReader.Extent extent) {
        List<Integer> stored = new ArrayList<>();
        for (int i = 0; i < extent.record().fragments().size(); i++) {
            if (!extent.record().fragments().get(i).equals(ExtentRecord.NOT_STORED)) {
                stored.add(i);
            }
        }
        return stored;
    }

    private static String damage(
            ExtentFixture fixture, ExtentReader.Extent extent, List<Integer> pattern, Random random) {
        StringBuilder faults = new StringBuilder();
        for (int fragment : pattern) {
            Fault fault = List.of(Fault.values()).get(random.nextInt(3));
            faults.append(fragment).append(' ').append(fault).append("; ");
            switch (fault) {
                case MISSING ->
                    fixture.remove(extent.record().fragments().get(fragment).disk());
                case UNREADABLE -> fixture.makeUnreadable(extent, fragment);
                case CORRUPT -> corruptEveryGroup(fixture, extent, fragment, random);
            }
        }
        return faults.toString();
    }

    private static void corruptEveryGroup(
            ExtentFixture fixture, ExtentReader.Extent extent, int fragment, Random random) {
        ExtentGeometry geometry = extent.geometry();
        int base = geometry.redundancy().isReplicas() ? 0 : fragment * geometry.fragmentBytes();
        boolean parity = !geometry.redundancy().isReplicas()
                && fragment >= geometry.redundancy().dataFragments();
        int data = parity ? geometry.fragmentBytes() : Math.min(geometry.fragmentBytes(), geometry.length() - base);
        for (int at = 0; at < data; at += GROUP) {
            fixture.corrupt(extent, fragment, at + random.nextInt(Math.min(GROUP, data - at)));
        }
    }

    @Test
    void onlyTheGroupsOfARangeAreRead() throws Exception {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 512);
        byte[] data = ExtentFixture.random(16 * GROUP, 8);
        ExtentReader.Extent extent = fixture.store(data, new Redundancy(4, 2));
        for (int fragment : new int[] {0, 1, 2, 4, 5}) {
            fixture.makeUnreadable(extent, fragment);
        }
        // Fragment 3 holds groups 12 to 15, all that this range needs.
        assertThat(fixture.read(extent, 13 * GROUP - 7, 20))
                .isEqualTo(Arrays.copyOfRange(data, 13 * GROUP - 7, 13 * GROUP + 13));
        assertThatThrownBy(() -> fixture.read(extent, 12 * GROUP - 1, 2)).isInstanceOf(LostDataException.class);
    }

    @Test
    void damageInDifferentGroupsOfMoreFragmentsThanThereIsParityIsStillReadRight() throws Exception {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 512);
        byte[] data = ExtentFixture.random(16 * GROUP, 9);
        ExtentReader.Extent extent = fixture.store(data, new Redundancy(4, 2));
        for (int fragment = 0; fragment < 4; fragment++) {
            fixture.corrupt(extent, fragment, fragment * GROUP + 5);
        }
        for (int at = 0; at < data.length; at += GROUP) {
            assertThat(fixture.read(extent, at, GROUP)).isEqualTo(Arrays.copyOfRange(data, at, at + GROUP));
        }
        assertThat(fixture.bad).containsExactly("1/0", "1/1", "1/2", "1/3");
    }

    @Test
    void damageInTheZerosBehindTheEndDoesNotSpoilAReconstruction() throws Exception {
        Redundancy redundancy = new Redundancy(4, 2);
        byte[] data = ExtentFixture.random(3 * GROUP + 100, 10);
        for (int lost = 0; lost < 6; lost++) {
            ExtentFixture fixture = ExtentFixture.ofDisks(6, 512);
            ExtentReader.Extent extent = fixture.store(data, redundancy);
            if (lost == 3) {
                continue;
            }
            fixture.corrupt(extent, 3, 4095);
            fixture.makeUnreadable(extent, lost);
            assertThat(fixture.read(extent, 0, data.length))
                    .as("fragment %d lost", lost)
                    .isEqualTo(data);
            rebuildGivesWhatWasWritten(fixture, extent, data, lost);
        }
    }

    @Test
    void aRebuiltReplicaHasZerosBehindTheEnd() throws Exception {
        ExtentFixture fixture = ExtentFixture.ofDisks(2, 64);
        byte[] data = ExtentFixture.random(100, 10);
        ExtentReader.Extent extent = fixture.store(data, Redundancy.replicas(2));
        fixture.corrupt(extent, 0, 4095);
        rebuildGivesWhatWasWritten(fixture, extent, data, 1);
    }

    @Test
    void whoReadsInOrderWithDisksMissingReadsWhatIsLeftTwiceAtMost() throws Exception {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 1024);
        byte[] data = ExtentFixture.random(4 << 20, 13);
        ExtentReader.Extent extent = fixture.store(data, new Redundancy(4, 2));
        fixture.remove(extent.record().fragments().get(1).disk());
        fixture.remove(extent.record().fragments().get(2).disk());
        long before = bytesRead(fixture);
        for (int round = 0; round < 2; round++) {
            for (int at = 0; at < data.length; at += 1 << 20) {
                assertThat(fixture.read(extent, at, 1 << 20)).isEqualTo(Arrays.copyOfRange(data, at, at + (1 << 20)));
            }
        }
        assertThat(bytesRead(fixture) - before).isEqualTo(2 * (6L << 20));
    }

    private static long bytesRead(ExtentFixture fixture) {
        return fixture.devices.stream().mapToLong(MemoryBlockDevice::bytesRead).sum();
    }

    @ParameterizedTest
    @ValueSource(strings = {"3x", "4+2"})
    void disksInDoubtAreReadOnlyWhereOthersDoNotSuffice(String policy) throws Exception {
        Redundancy redundancy = Redundancy.parse(policy);
        ExtentFixture fixture = ExtentFixture.ofDisks(redundancy.fragments(), 512);
        byte[] data = ExtentFixture.random(100_000, 12);
        ExtentReader.Extent extent = fixture.store(data, redundancy);
        int disk = extent.record().fragments().getFirst().disk();
        for (PoolDisk member : fixture.disks.all()) {
            boolean doubtful = redundancy.isReplicas() == (member.index() != disk);
            member.setState(new PoolDisk.State(doubtful ? DiskHealth.SUSPECT : DiskHealth.HEALTHY, "", 0));
        }
        assertThat(fixture.read(extent, 0, data.length)).isEqualTo(data);
        fixture.makeUnreadable(extent, 0);
        assertThat(fixture.read(extent, 0, data.length)).isEqualTo(data);
    }

    @Test
    void aDataFragmentThatMovedToTheWrongPlaceIsNotBelieved() throws Exception {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 512);
        byte[] data = ExtentFixture.random(16 * GROUP, 13);
        ExtentReader.Extent extent = fixture.store(data, new Redundancy(4, 2));
        var first = extent.record().fragments().get(0);
        var second = extent.record().fragments().get(1);
        int bytes = extent.geometry().storedBytes(0);
        MemorySegment.copy(
                fixture.devices.get(first.disk()).bytes(),
                ValueLayout.JAVA_BYTE,
                first.offsetBytes(),
                fixture.devices.get(second.disk()).bytes(),
                ValueLayout.JAVA_BYTE,
                second.offsetBytes(),
                bytes);
        assertThat(fixture.read(extent, 0, data.length)).isEqualTo(data);
        assertThat(fixture.bad).contains("1/1");
        assertThat(fixture.reader.probe(extent)).containsExactly(true, false, true, true, true, true);
    }
}
