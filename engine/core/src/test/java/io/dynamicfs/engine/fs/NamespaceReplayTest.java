package io.dynamicfs.engine.fs;

import static io.dynamicfs.engine.fs.NamespaceFixture.ROOT;
import static io.dynamicfs.engine.fs.NamespaceFixture.records;
import static io.dynamicfs.engine.fs.NamespaceFixture.text;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.ByteString;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.Operation;
import io.dynamicfs.engine.format.OperationLayout;
import io.dynamicfs.engine.format.Timestamp;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random operations on the tree and on a volume in memory that shares nothing with it leave the same files; and their
 * encoded log, applied to a new tree, leaves the same bytes.
 */
class NamespaceReplayTest {
    private static final int OPERATIONS = 3_000;
    private static final long UNUSED_INODE = 1L << 40;

    private final NamespaceFixture volume = new NamespaceFixture();
    private Instant now = Instant.ofEpochSecond(1_000);
    private final MemoryVolume model = new MemoryVolume(() -> now, 1L << 30);
    private final List<Long> inodes = new ArrayList<>(List.of(ROOT));
    private final List<Operation.Namespace> log = new ArrayList<>();

    /** What an operation of the model gives: the inode that it made, or any other number. */
    private interface ModelCall {
        long run() throws FsException;
    }

    private interface OurOperation {
        Operation.Namespace of(long newInode);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void theTreeAgreesWithTheModelAndItsLogGivesTheSameTreeAgain(long seed) throws FsException {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        for (int i = 0; i < OPERATIONS; i++) {
            now = now.plusNanos(1_000_000_001);
            step(random, "seed " + seed + ", operation " + i);
        }
        assertSameFiles("seed " + seed);
        assertThat(volume.findings()).as("seed %d", seed).isEmpty();

        NamespaceFixture again = new NamespaceFixture();
        for (Operation.Namespace operation : log) {
            again.apply(decoded(operation));
        }
        assertThat(records(again.tree)).as("seed %d", seed).isEqualTo(records(volume.tree));
    }

    private static Operation.Namespace decoded(Operation operation) {
        ByteBuffer buffer = ByteBuffer.allocate(OperationLayout.bytes(operation));
        OperationLayout.encode(operation, buffer);
        if (OperationLayout.decode(buffer.flip()) instanceof Decoded.Valid<Operation>(Operation.Namespace again)) {
            return again;
        }
        throw new AssertionError(operation + " cannot be decoded");
    }

    private void step(RandomGenerator random, String when) {
        long directory = pick(random);
        long other = random.nextInt(3) == 0 ? directory : pick(random);
        byte[] name = {(byte) ('a' + random.nextInt(5))};
        byte[] otherName = {(byte) ('a' + random.nextInt(5))};
        ByteString ourName = ByteString.of(name);
        Timestamp time = new Timestamp(now.getEpochSecond(), now.getNano());
        switch (random.nextInt(11)) {
            case 0, 1, 2 -> {
                int mode = random.nextBoolean() ? Inode.DIRECTORY | 0755 : Inode.REGULAR | 0640;
                both(
                        when,
                        () -> model.make(directory, name, mode, 0, new PosixVolume.Owner(3, 4))
                                .inode(),
                        made -> new Operation.Make(directory, ourName, made, mode, 0, 3, 4, time));
            }
            case 3 ->
                both(
                        when,
                        () -> model.symlink(directory, name, otherName, new PosixVolume.Owner(3, 4))
                                .inode(),
                        made -> new Operation.Symlink(directory, ourName, made, ByteString.of(otherName), 3, 4, time));
            case 4 ->
                both(
                        when,
                        () -> model.link(other, directory, name).inode(),
                        made -> new Operation.Link(other, directory, ourName, time));
            case 5 ->
                both(
                        when,
                        () -> {
                            model.unlink(directory, name);
                            return 0;
                        },
                        made -> new Operation.Unlink(directory, ourName, time));
            case 6 ->
                both(
                        when,
                        () -> {
                            model.removeDirectory(directory, name);
                            return 0;
                        },
                        made -> new Operation.RemoveDirectory(directory, ourName, time));
            case 7, 8 -> {
                int flags = random.nextInt(4);
                both(
                        when,
                        () -> {
                            model.rename(directory, name, other, otherName, flags);
                            return 0;
                        },
                        made -> new Operation.Rename(directory, ourName, other, ByteString.of(otherName), flags, time));
            }
            case 9 -> setAttributes(random, directory, time, when);
            default -> setXattr(random, directory, time, when);
        }
    }

    private void setAttributes(RandomGenerator random, long inode, Timestamp time, String when) {
        if (volume.inode(inode).isSymlink()) {
            return;
        }
        Integer mode = random.nextBoolean() ? Integer.valueOf(random.nextInt(01000)) : null;
        Integer uid = random.nextBoolean() ? Integer.valueOf(random.nextInt(5)) : null;
        Integer gid = random.nextBoolean() ? Integer.valueOf(random.nextInt(5)) : null;
        Timestamp modified = random.nextBoolean() ? new Timestamp(random.nextLong(), 5) : null;
        both(
                when,
                () -> model.setAttributes(inode, new AttributeChange(mode, uid, gid, null, null, modified))
                        .inode(),
                made -> new Operation.SetAttributes(inode, mode, uid, gid, null, modified, time));
    }

    private void setXattr(RandomGenerator random, long inode, Timestamp time, String when) {
        Inode file = volume.inode(inode);
        if (!file.isDirectory() && !file.isRegular()) {
            return;
        }
        byte[] name = ("user." + random.nextInt(3)).getBytes(US_ASCII);
        if (random.nextInt(3) == 0) {
            both(
                    when,
                    () -> {
                        model.removeXattr(inode, name);
                        return 0;
                    },
                    made -> new Operation.RemoveXattr(inode, ByteString.of(name), time));
            return;
        }
        byte[] value = new byte[random.nextInt(9_000)];
        random.nextBytes(value);
        int flags = random.nextInt(3);
        both(
                when,
                () -> {
                    model.setXattr(inode, name, value, flags);
                    return 0;
                },
                made -> new Operation.SetXattr(inode, ByteString.of(name), ByteString.of(value), flags, time));
    }

    /** Both do it or both refuse it. */
    private void both(String when, ModelCall theirs, OurOperation ours) {
        long made = UNUSED_INODE;
        FsException refusal = null;
        try {
            made = theirs.run();
        } catch (FsException refused) {
            refusal = refused;
        }
        Operation.Namespace operation = ours.of(made);
        @Nullable Object refused = volume.refusal(operation);
        assertThat(refused == null)
                .as("%s: %s: the model says %s, the tree %s", when, operation, refusal, refused)
                .isEqualTo(refusal == null);
        if (refused == null) {
            log.add(operation);
            if (operation instanceof Operation.Make || operation instanceof Operation.Symlink) {
                inodes.add(made);
            }
        }
    }

    /** Prefers few directories, so that operations meet. */
    private long pick(RandomGenerator random) {
        return inodes.get(
                random.nextInt(3) == 0 ? random.nextInt(inodes.size()) : random.nextInt(Math.min(12, inodes.size())));
    }

    private void assertSameFiles(String when) throws FsException {
        for (long number : inodes) {
            Attributes theirs = model.attributes(number);
            Attributes ours = volume.reader.attributes(number);
            assertThat(comparable(ours)).as("%s, inode %d", when, number).isEqualTo(comparable(theirs));
            TreeMap<String, byte[]> theirXattrs = new TreeMap<>();
            for (byte[] name : model.listXattr(number)) {
                theirXattrs.put(ByteString.of(name).toString(), model.getXattr(number, name));
            }
            TreeMap<String, byte[]> ourXattrs = new TreeMap<>();
            for (ByteString name : volume.reader.listXattr(number)) {
                ourXattrs.put(
                        name.toString(), volume.reader.getXattr(number, name).toBytes());
            }
            assertThat(ourXattrs.keySet()).isEqualTo(theirXattrs.keySet());
            ourXattrs.forEach((name, value) -> assertThat(value).isEqualTo(theirXattrs.get(name)));
            if (volume.inode(number).isDirectory() && ours.links() > 0) {
                assertSameNames(number, when);
            }
            if (volume.inode(number).isSymlink()) {
                assertThat(volume.reader.readLink(number)).isEqualTo(ByteString.of(model.readLink(number)));
            }
        }
    }

    /** What a directory's size and a file's blocks are is each file system's own. */
    private static Attributes comparable(Attributes from) {
        return new Attributes(
                from.inode(),
                from.mode(),
                from.links(),
                from.uid(),
                from.gid(),
                from.rdev(),
                (from.mode() & Inode.TYPE_MASK) == Inode.DIRECTORY ? 0 : from.size(),
                0,
                from.accessed(),
                from.modified(),
                from.changed(),
                from.born());
    }

    private void assertSameNames(long directory, String when) throws FsException {
        TreeMap<String, Long> theirs = new TreeMap<>();
        model.readDirectory(directory, 0, (name, attributes, next) -> {
            theirs.put(ByteString.of(name).toString(), attributes.inode());
            return true;
        });
        TreeMap<String, Long> ours = new TreeMap<>();
        volume.reader.readDirectory(directory, 0, (name, inode, type, next) -> {
            ours.put(name.toString(), inode);
            return true;
        });
        assertThat(ours).as("%s, directory %d", when, directory).isEqualTo(theirs);
        assertThat(ours.get(".")).isEqualTo(volume.lookup(directory, text(".").toString()));
    }
}
