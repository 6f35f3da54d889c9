package io.dynamicfs.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs that people trust their data to, on a mounted volume of a real engine. */
final class ApplicationsIT {
    private static final long DISK_BYTES = 512L << 20;

    @TempDir
    Path directory;

    private EngineUnderTest engine;
    private Path mount;

    @BeforeEach
    void mountAVolume() throws Exception {
        EngineUnderTest.requireRootAndFuse();
        engine = new EngineUnderTest(directory).start();
        engine.succeed("pool create tank --redundancy 4+2 " + engine.loopDevices(6, DISK_BYTES));
        engine.succeed("volume create tank/work");
        mount = engine.mount("tank/work");
    }

    @AfterEach
    void clean() throws IOException, InterruptedException {
        if (engine != null) {
            engine.clean();
        }
    }

    @Test
    void sqliteKeepsEveryAcknowledgedRowWhenTheEngineIsKilled() throws Exception {
        EngineUnderTest.requireTool("sqlite3");
        Path acknowledged = directory.resolve("acknowledged");
        engine.bash("sqlite3 " + mount
                + "/db 'PRAGMA journal_mode=DELETE; CREATE TABLE t(n INTEGER PRIMARY KEY, x TEXT);'");
        // Each row is noted outside the volume after sqlite3 has said that it is committed.
        Process writer = new ProcessBuilder(
                        "bash",
                        "-c",
                        "for n in $(seq 100000); do sqlite3 " + mount
                                + "/db \"PRAGMA synchronous=FULL; INSERT INTO t VALUES($n, hex(randomblob(200)));\" && echo $n >> "
                                + acknowledged + " || exit 0; done")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            awaitLines(acknowledged, 50);
            engine.kill();
        } finally {
            assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
        int rows = Files.readAllLines(acknowledged).size();
        engine.start();
        assertThat(engine.bash("sqlite3 " + mount + "/db 'PRAGMA integrity_check;'"))
                .isEqualTo("ok\n");
        String last = engine.bash("sqlite3 " + mount + "/db 'SELECT count(*) FROM t WHERE n <= " + rows + ";'");
        assertThat(Integer.parseInt(last.strip())).isEqualTo(rows);
    }

    private static void awaitLines(Path file, int count) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!Files.exists(file) || Files.readAllLines(file).size() < count) {
            assertThat(System.nanoTime()).as("rows are written").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void aGitRepositoryIsWhole() throws Exception {
        EngineUnderTest.requireTool("git");
        engine.bash("git init -q -b main origin && cd origin && git config user.email a@b.c && git config user.name n"
                + " && for i in $(seq 200); do mkdir -p d$((i % 20)); seq $i > d$((i % 20))/f$i; git add -A;"
                + " [ $((i % 10)) -eq 0 ] && git commit -qm c$i || true; done");
        engine.bash("git clone -q --no-hardlinks origin " + mount + "/clone && cd " + mount
                + "/clone && git fsck --full --strict && git -C " + directory + "/origin rev-parse HEAD > "
                + directory + "/expected && git rev-parse HEAD | cmp - " + directory + "/expected"
                + " && git gc -q && git fsck --full --strict && git status --porcelain | wc -l | grep -qx 0");
    }

    @Test
    void treesThatTarAndRsyncCopyAreIdentical() throws Exception {
        EngineUnderTest.requireTool("rsync");
        EngineUnderTest.requireTool("tar");
        engine.bash("mkdir source && cd source && for i in $(seq 300); do mkdir -p d$((i % 17))/e$((i % 5));"
                + " head -c $((i * i * 7)) /dev/urandom > d$((i % 17))/e$((i % 5))/f$i; done;"
                + " ln -s d1 link; ln d1/e1/f1 hard; mkfifo fifo; chmod 4755 hard; touch -d '1969-12-31 23:00:00.123456789 UTC' hard;"
                + " truncate -s 5G sparse; printf x | dd of=sparse bs=1 seek=4000000000 conv=notrunc 2>/dev/null");
        engine.bash("rsync -aHAXS --checksum source/ " + mount + "/rsync/ && rsync -aHAXS --checksum -n -i source/ "
                + mount + "/rsync/ > differences; cat differences; [ ! -s differences ]");
        engine.bash("tar -C source -cSf - . | tar -C " + mount + " -xSf - && mkdir back && tar -C " + mount
                + " --exclude=./rsync -cSf - . | tar -C back -xSf - && rsync -aHAX --checksum -n -i --delete source/ back/"
                + " > differences; cat differences; [ ! -s differences ]");
        assertThat(engine.bash("du -k " + mount + "/rsync/sparse | cut -f1").strip())
                .as("KiB stored of a sparse file")
                .hasSizeLessThan(4);
    }

    @Test
    void mappedFilesAreVerifiedByFio() throws Exception {
        EngineUnderTest.requireTool("fio");
        engine.bash("fio --name=mapped --directory=" + mount
                + " --ioengine=mmap --rw=randrw --bs=4k --size=24M --fsync=64 --verify=crc32c --verify_fatal=1 --randseed=5"
                + " --output=" + directory + "/fio.log || { cat " + directory + "/fio.log; false; }");
    }

    @Test
    void fioVerifiesWhileTwoDisksAreOverwritten() throws Exception {
        EngineUnderTest.requireTool("fio");
        String job = "fio --name=random --directory=" + mount
                + " --ioengine=psync --direct=1 --rw=randwrite --bs=4k-128k --size=96M"
                + " --verify=crc32c --verify_fatal=1 --randseed=7 --output=" + directory + "/fio.log";
        engine.bash(job + " --do_verify=0");
        engine.bash(
                "for i in 0 3; do dd if=/dev/urandom of=disk$i.img bs=1M count=512 conv=notrunc status=none; done; sync");
        engine.bash(job + " --verify_only || { cat fio.log; false; }");
        engine.kill();
        engine.start();
        engine.bash(job + " --verify_only || { cat fio.log; false; }");
    }
}
