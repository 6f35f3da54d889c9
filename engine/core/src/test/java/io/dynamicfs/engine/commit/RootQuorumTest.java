package io.dynamicfs.engine.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.DiskHealth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RootQuorumTest {

    private static DiskSet disks(int count, int... failed) {
        List<PoolDisk> disks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int index = i;
            boolean healthy = Arrays.stream(failed).noneMatch(f -> f == index);
            disks.add(new PoolDisk(
                    i,
                    new UUID(0, i),
                    new MemoryBlockDevice("disk" + i, 4096),
                    4096,
                    "",
                    new PoolDisk.State(healthy ? DiskHealth.HEALTHY : DiskHealth.FAILED, "", 0)));
        }
        return new DiskSet(disks);
    }

    private static List<Integer> list(String numbers) {
        return numbers.isEmpty()
                ? List.of()
                : Arrays.stream(numbers.split(",")).map(Integer::parseInt).toList();
    }

    @ParameterizedTest
    @CsvSource({
        // losses, disks, failed, root disks before, root disks chosen
        "2, 6, '',  '0,1,2,3,4', '0,1,2,3,4'",
        "2, 6, '2', '0,1,2,3,4', '0,1,3,4,5'",
        "2, 6, '5', '0,1,2,3,4', '0,1,2,3,4'",
        "2, 5, '0', '0,1,2,3,4', '1,2,3,4'",
        "2, 9, '',  '4,5,6,7,8', '4,5,6,7,8'",
        "1, 6, '',  '0,1,2,3,4', '0,1,2'",
        "0, 3, '',  '1',         '1'",
        "0, 3, '1', '1',         '0'",
        "4, 20, '', '',          '0,1,2,3,4,5,6,7,8'"
    })
    void rootDisksStayWhereTheyAreAndAreReplacedWhenTheyFail(
            int losses, int count, String failed, String before, String expected) {
        DiskSet disks = disks(count, list(failed).stream().mapToInt(i -> i).toArray());
        assertThat(RootQuorum.choose(disks, list(before), losses)).containsExactlyInAnyOrderElementsOf(list(expected));
    }

    @ParameterizedTest
    @CsvSource({
        // losses, root disks, alive, needed
        "2, '0,1,2,3,4', '0,1,2,3,4', 3",
        "2, '0,1,2,3,4', '0,1,2',     3",
        "2, '0,1,2,3,4', '0',         3",
        "2, '0,1,2',     '0,1,2',     3",
        "2, '0,1,2',     '0,2',       2",
        "2, '0,1,2',     '',          1",
        "1, '0,1',       '0,1',       2",
        "0, '3',         '3',         1"
    })
    void aRootIsDurableOnMoreDisksThanMayBeLostOrOnAllThatAreLeft(
            int losses, String rootDisks, String alive, int needed) {
        assertThat(RootQuorum.needed(list(rootDisks), losses, Set.copyOf(list(alive))))
                .isEqualTo(needed);
    }

    @Test
    void everyMajorityMeetsEveryQuorumOfAFullSet() {
        for (int losses = 0; losses <= 4; losses++) {
            List<Integer> rootDisks = IntStream.range(0, 2 * losses + 1).boxed().toList();
            int needed = RootQuorum.needed(rootDisks, losses, rootDisks.stream().collect(Collectors.toSet()));
            assertThat(needed + RootQuorum.majority(rootDisks)).isGreaterThan(rootDisks.size());
            assertThat(rootDisks.size() - losses)
                    .as("after losses")
                    .isGreaterThanOrEqualTo(RootQuorum.majority(rootDisks));
        }
    }
}
