package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.daemon.EngineUnderTest.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real engine process: what it keeps when it dies, and what it says when it is asked for something wrong. */
final class EngineProcessIT {
    private static final long DISK_BYTES = 96L << 20;

    @TempDir
    Path directory;

    private EngineUnderTest engine;

    @BeforeEach
    void start() throws Exception {
        EngineUnderTest.requireRootAndFuse();
        engine = new EngineUnderTest(directory).start();
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
    }

    private Path mountedVolume(String redundancy, int disks) throws Exception {
        engine.succeed("pool create tank --redundancy " + redundancy + " " + engine.loopDevices(disks, DISK_BYTES));
        engine.succeed("volume create tank/v");
        return engine.mount("tank/v");
    }

    private void refused(int exitCode, String message, String line) {
        Answer answer = engine.dynamicfs(line);
        assertThat(answer.err()).as("dynamicfs " + line).contains(message);
        assertThat(answer.exitCode())
                .as("dynamicfs " + line + ": " + answer.err())
                .isEqualTo(exitCode);
    }

    @Test
    void whatWasAnsweredSurvivesTenKillsOfTheEngine() throws Exception {
        Path mount = mountedVolume("4+2", 6);
        for (int round = 1; round <= 10; round++) {
            engine.bash("mkdir " + mount + "/r" + round
                    + "; for i in $(seq 40); do head -c $((i * 1000)) /dev/urandom > " + mount
                    + "/r" + round + "/f$i; done; mv " + mount + "/r" + round + "/f1 " + mount + "/r" + round
                    + "/moved; rm " + mount + "/r" + round + "/f2; cd " + mount
                    + " && find . -type f -newer /proc/self 2>/dev/null; find . -type f | sort | xargs sha256sum > "
                    + directory + "/sums");
            engine.bash("sync " + mount + "/r" + round + "/f40");
            engine.kill();
            engine.start();
            engine.bash("cd " + mount + " && sha256sum --quiet -c " + directory
                    + "/sums && [ $(find . -type f | wc -l) = " + (39 * round) + " ]");
        }
        assertThat(engine.succeed("check tank")).contains("Everything is as it should be");
    }

    @Test
    void threeLostDisksOfSixGiveErrorsAndNeverWrongBytes() throws Exception {
        Path mount = mountedVolume("4+2", 6);
        engine.bash("for i in $(seq 60); do head -c 200000 /dev/urandom > " + mount + "/f$i; done; sync " + mount
                + "/f60; cd " + mount + " && sha256sum f* > " + directory + "/sums");
        engine.awaitCommit("tank");
        engine.succeed("umount " + mount);
        // The data area of three disks; their labels stay, so that the engine has to find out by reading.
        engine.bash(
                "for i in 0 2 5; do dd if=/dev/urandom of=disk$i.img bs=1M seek=1 count=94 conv=notrunc status=none; done");
        engine.succeed("mount tank/v " + mount);
        String result =
                engine.bash("cd " + mount + " && while read sum name; do if bytes=$(sha256sum $name 2>/dev/null); then"
                        + " [ \"${bytes%% *}\" = $sum ] || echo WRONG $name; else echo EIO; fi; done < " + directory
                        + "/sums");
        assertThat(result).doesNotContain("WRONG").contains("EIO");
        Answer check = engine.dynamicfs("check tank");
        assertThat(check.exitCode()).isEqualTo(6);
        assertThat(check.out() + check.err()).contains("/f1 ");
    }

    @Test
    void wrongDisksAreRefusedAndNothingIsLeftBehind() throws Exception {
        String disks = engine.images(3, DISK_BYTES);
        String first = engine.image(0).toString();
        refused(4, "needs at least 6 disks", "pool create tank --redundancy 4+2 " + disks);
        refused(4, "twice", "pool create tank --redundancy 2x " + first + " " + first);
        engine.bash("ln -s " + first + " other-name.img");
        refused(4, "twice", "pool create tank --redundancy 2x " + first + " " + directory + "/other-name.img");
        refused(3, "no-such-disk", "pool create tank --redundancy 1x /dev/no-such-disk");
        String small = engine.images(1, 4 << 20);
        refused(4, "expected at least 16777216 bytes", "pool create tank --redundancy 1x " + small);
        String foreign = engine.images(1, DISK_BYTES);
        engine.bash("mkfs.ext4 -q " + foreign);
        refused(4, "ext", "pool create tank --redundancy 1x " + foreign);
        engine.succeed("pool create tank --redundancy 3x " + disks);
        refused(4, "another process has locked it", "pool create other --redundancy 1x " + first);
        refused(4, "tank", "pool create tank --redundancy 1x " + engine.images(1, DISK_BYTES));
        engine.succeed("pool close tank");
        refused(4, "pool", "pool create other --redundancy 1x " + first);
        engine.succeed("pool open tank " + disks);
        assertThat(engine.succeed("pool list")).contains("tank");
    }

    @Test
    void aPoolWithTooManyDisksMissingIsNotOpenedUnlessAskedTo() throws Exception {
        String[] disks = engine.images(6, DISK_BYTES).split(" ", -1);
        engine.succeed("pool create tank --redundancy 4+2 " + String.join(" ", disks));
        engine.succeed("volume create tank/v");
        engine.succeed("pool close tank");
        Answer missing = engine.dynamicfs("pool open tank " + disks[0] + " " + disks[5]);
        assertThat(missing.exitCode()).isEqualTo(4);
        assertThat(missing.err()).contains("missing").contains("--degraded").contains("uuid");
        String most = String.join(" ", disks[0], disks[1], disks[2], disks[3]);
        Answer degraded = engine.dynamicfs("pool open tank " + most);
        assertThat(degraded.exitCode()).as(degraded.err()).isIn(0, 7);
        assertThat(engine.dynamicfs("pool status tank").out()).contains("missing");
    }

    @Test
    void mountPointsAreChecked() throws Exception {
        Path mount = mountedVolume("3x", 3);
        refused(4, "mounted at", "mount tank/v " + mount);
        engine.succeed("volume create tank/w");
        refused(4, "mount", "mount tank/w " + mount);
        Path file = Files.writeString(directory.resolve("file"), "x");
        refused(4, "directory", "mount tank/w " + file);
        refused(4, "empty", "mount tank/w " + directory);
        Answer nowhere = engine.dynamicfs("mount tank/w " + directory.resolve("nowhere"));
        assertThat(nowhere.exitCode()).isIn(3, 4);
        assertThat(nowhere.err()).contains("nowhere");
        refused(4, "mounted", "volume delete tank/v --yes");
        refused(4, "mount", "pool close tank");
        refused(3, "expected a volume", "mount tank/none " + directory.resolve("nowhere"));
    }

    @Test
    void aFullPoolAndAFullQuotaAnswerAndCanBeCleaned() throws Exception {
        Path mount = mountedVolume("3x", 3);
        engine.bash("cd " + mount + " && ! dd if=/dev/zero of=big bs=1M count=400 oflag=direct status=none 2> "
                + directory + "/message; grep -q 'No space left' " + directory + "/message");
        engine.bash("cd " + mount + " && ls -l big && rm big && for i in $(seq 8); do sync . ; done;"
                + " dd if=/dev/zero of=again bs=1M count=20 oflag=direct status=none && rm again");
        engine.succeed("volume create tank/small --quota 8M --files 10");
        Path small = engine.mount("tank/small");
        engine.bash("cd " + small + " && ! dd if=/dev/urandom of=big bs=1M count=20 oflag=direct status=none 2> "
                + directory + "/message; grep -q -i quota " + directory + "/message && rm big");
        engine.bash("cd " + small + " && ! touch a b c d e f g h i j k l m 2> " + directory
                + "/message; grep -q -i quota " + directory + "/message");
    }

    @Test
    void aSecondEngineOnTheSameDisksIsRefused() throws Exception {
        mountedVolume("3x", 3);
        Path otherDirectory = Files.createDirectory(directory.resolve("other"));
        EngineUnderTest other = new EngineUnderTest(otherDirectory);
        try {
            other.start();
            String disks = engine.bash(
                            "losetup -n -O NAME -l | xargs -I{} sh -c 'losetup -n -O NAME,BACK-FILE {}' | grep "
                                    + directory + " | cut -d' ' -f1 | xargs echo")
                    .strip();
            Answer answer = other.dynamicfs("pool open tank " + disks);
            assertThat(answer.exitCode()).as(answer.err()).isEqualTo(4);
            assertThat(answer.err()).contains("another user holds it");
        } finally {
            other.clean();
        }
    }

    @Test
    void theOfflineCheckReadsWithoutAnEngineAndFindsDamage() throws Exception {
        String disks = engine.images(3, DISK_BYTES);
        engine.succeed("pool create tank --redundancy 3x " + disks);
        engine.succeed("volume create tank/v");
        Path mount = engine.mount("tank/v");
        engine.bash("for i in $(seq 50); do head -c 100000 /dev/urandom > " + mount + "/f$i; done");
        assertThat(engine.stop()).isZero();
        Answer clean = engine.dynamicfs("check tank --offline " + disks);
        assertThat(clean.exitCode()).as(clean.out() + clean.err()).isZero();
        engine.bash("dd if=/dev/urandom of=disk1.img bs=1M seek=1 count=60 conv=notrunc status=none");
        Answer damaged = engine.dynamicfs("check tank --offline " + disks);
        assertThat(damaged.exitCode()).as(damaged.out() + damaged.err()).isEqualTo(7);
    }
}
