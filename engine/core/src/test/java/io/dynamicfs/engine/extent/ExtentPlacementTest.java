package io.dynamicfs.engine.extent;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.alloc.StripeSpace;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExtentPlacementTest {
    private static final ExtentGeometry STRIPE = new ExtentGeometry(64 << 10, new Redundancy(4, 2));

    @ParameterizedTest
    @CsvSource({
        "4+2, 6, 4+2",
        "4+2, 9, 4+2",
        "4+2, 5, 3+2",
        "4+2, 4, 2+2",
        "4+2, 3, 3x",
        "4+2, 2, 2x",
        "4+2, 1, 1x",
        "4+2, 0, 1x",
        "2+1, 2, 2x",
        "16+4, 12, 8+4",
        "16+4, 5, 5x",
        "3x, 3, 3x",
        "3x, 2, 2x",
        "5x, 1, 1x",
        "1x, 1, 1x"
    })
    void fewerDisksGiveNarrowerStripesAndThenReplicas(String wanted, int disks, String expected) {
        assertThat(ExtentPlacement.achievable(Redundancy.parse(wanted), disks)).hasToString(expected);
    }

    @Test
    void whatIsAchievableAlwaysFitsTheDisksAndNeverPromisesMore() {
        for (int k = 1; k <= 16; k++) {
            for (int m = k == 1 ? 0 : 1; m <= 4; m++) {
                Redundancy wanted = new Redundancy(k, m);
                for (int disks = 1; disks <= 22; disks++) {
                    Redundancy achievable = ExtentPlacement.achievable(wanted, disks);
                    assertThat(achievable.fragments()).isLessThanOrEqualTo(disks);
                    assertThat(achievable.losses()).isEqualTo(Math.min(m, disks - 1));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void disksOfMixedSizesFillUpToTheLimit(long seed) {
        Random random = new Random(seed);
        int fragmentBlocks = STRIPE.storedBlocks(0);
        long[] free = new long[6 + random.nextInt(4)];
        for (int i = 0; i < free.length; i++) {
            free[i] = (20L + random.nextInt(100)) * fragmentBlocks;
        }
        ExtentFixture fixture = new ExtentFixture(free);
        long limit = StripeSpace.stripes(
                Arrays.stream(free).map(blocks -> blocks / fragmentBlocks).toArray(), 6);
        long placed = 0;
        while (true) {
            Optional<List<BlockAddress>> places = fixture.placement.place(placed + 1, STRIPE, disk -> 0);
            if (places.isEmpty()) {
                break;
            }
            assertThat(places.get()).extracting(BlockAddress::disk).doesNotHaveDuplicates();
            placed++;
        }
        assertThat(placed).as("seed %d: %s", seed, Arrays.toString(free)).isEqualTo(limit);
    }

    @Test
    void theParityIsSpreadOverAllDisks() {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 6000);
        int[] parity = new int[6];
        for (int i = 1; i <= 600; i++) {
            List<BlockAddress> places =
                    fixture.placement.place(i, STRIPE, disk -> 0).orElseThrow();
            parity[places.get(4).disk()]++;
            parity[places.get(5).disk()]++;
        }
        assertThat(parity).containsOnly(200);
    }

    @Test
    void fragmentsWithoutDataTakeNoSpace() {
        ExtentFixture fixture = ExtentFixture.ofDisks(20, 256);
        ExtentGeometry geometry = new ExtentGeometry(65536 + 100, new Redundancy(16, 4));
        List<BlockAddress> places =
                fixture.placement.place(3, geometry, disk -> 0).orElseThrow();
        assertThat(places.subList(5, 16)).containsOnly(ExtentRecord.NOT_STORED);
        assertThat(places)
                .filteredOn(place -> !place.equals(ExtentRecord.NOT_STORED))
                .hasSize(9);
        fixture.placement.release(geometry, places);
        assertThat(fixture.spaces.values())
                .allSatisfy(space -> assertThat(space.freeBlocks()).isEqualTo(256));
    }

    @Test
    void nothingIsTakenWhereNotAllFragmentsFit() {
        ExtentFixture fixture = new ExtentFixture(100, 100, 100, 100, 100, 3);
        assertThat(fixture.placement.place(1, STRIPE, disk -> 0)).isEmpty();
        assertThat(fixture.spaces.values())
                .extracting(space -> space.freeBlocks())
                .containsExactly(100L, 100L, 100L, 100L, 100L, 3L);
    }

    @Test
    void theReserveOfADiskIsLeftAlone() {
        ExtentFixture fixture = ExtentFixture.ofDisks(6, 100);
        for (int i = 0; fixture.placement.place(i, STRIPE, disk -> 40).isPresent(); i++) {
            // Until the reserve is reached.
        }
        assertThat(fixture.spaces.values())
                .allSatisfy(space -> assertThat(space.freeBlocks()).isEqualTo(40));
        assertThat(fixture.placement.placeCopies(3, 40)).hasSize(3);
    }

    @Test
    void disksThatAreNotHealthyTakeNothing() {
        ExtentFixture fixture = ExtentFixture.ofDisks(7, 100);
        for (DiskHealth health : DiskHealth.values()) {
            fixture.disks.get(4).setState(new PoolDisk.State(health, "", 0));
            List<BlockAddress> places =
                    fixture.placement.place(1, STRIPE, disk -> 0).orElseThrow();
            assertThat(places.stream().anyMatch(place -> place.disk() == 4)).isEqualTo(health == DiskHealth.HEALTHY);
        }
    }

    @Test
    void aFragmentMovesToADiskThatHoldsNoneOfItsExtent() {
        ExtentFixture fixture = ExtentFixture.ofDisks(7, 100);
        List<BlockAddress> places =
                fixture.placement.place(1, STRIPE, disk -> 0).orElseThrow();
        BlockAddress other = fixture.placement.placeOne(STRIPE, 2, places).orElseThrow();
        assertThat(places).extracting(BlockAddress::disk).doesNotContain(other.disk());
        fixture.disks.get(other.disk()).setState(new PoolDisk.State(DiskHealth.FAILED, "", 0));
        assertThat(fixture.placement.placeOne(STRIPE, 2, places)).isEmpty();
    }

    @Test
    void copiesAreOnDistinctDisksAndFewerWhereThereIsNoRoom() {
        ExtentFixture fixture = new ExtentFixture(300, 10, 300);
        List<BlockAddress> copies = fixture.placement.placeCopies(3, 256);
        assertThat(copies).extracting(BlockAddress::disk).containsExactlyInAnyOrder(0, 2);
        assertThat(fixture.placement.placeCopies(3, 256)).isEmpty();
    }
}
