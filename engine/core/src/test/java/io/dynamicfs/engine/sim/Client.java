package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.PosixVolume.Owner;
import io.dynamicfs.engine.fs.VolumeStatistics;
import io.dynamicfs.engine.sim.ModelState.Node;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of one mounted volume: runs every operation on the engine and on the model, compares the answers, and holds
 * references and open files. Inodes are the model's numbers everywhere in its interface.
 */
final class Client {
    /** Which answers besides the model's are allowed. */
    interface Tolerance {
        /** Throws {@link SimulationFailure} unless the volume may be out of space now. */
        void outOfSpace(Client client, Errno errno, String operation);

        /** EIO is an honest answer because more was damaged than is promised to survive. */
        boolean mayBeDamaged();
    }

    /** A file operation as both sides run it. */
    private interface Call<T> {
        T run() throws FsException;
    }

    /** Compares the answers of both sides. */
    private interface Comparer<T> {
        void compare(T found, T expected);
    }

    private static final int WRITE_BYTES_MAX = 1 << 20;

    private final String name;
    private final SimClock clock;
    private final Trace trace;
    private final Tolerance tolerance;
    private final Oracle oracle;
    private final Model model;
    private InodePairs pairs = new InodePairs();
    private final MemorySegment buffer;
    private final List<Long> open = new ArrayList<>();
    private final List<SimulationFailure> failures = new ArrayList<>();
    private PosixVolume engine;
    private long answered;
    private int incarnation;
    private int waitingSyncs;
    private long operations;
    private long acknowledgedSyncs;
    private int refusals;

    /** {@code buffer} is native memory for one request, which clients of one thread share. */
    Client(String name, PosixVolume engine, SimClock clock, Trace trace, Tolerance tolerance, MemorySegment buffer) {
        this.name = name;
        this.engine = engine;
        this.clock = clock;
        this.trace = trace;
        this.tolerance = tolerance;
        this.buffer = buffer;
        ModelState fresh = ModelState.fresh(clock.nanos());
        this.oracle = new Oracle(fresh);
        this.model = new Model(clock, fresh, oracle::record);
        pairs.pair(PosixVolume.ROOT_INODE, PosixVolume.ROOT_INODE);
    }

    /** A client on a fork of the machine, which goes on from the state of {@code other}. */
    Client(Client other, PosixVolume engine, SimClock clock, Trace trace, Tolerance tolerance) {
        this.name = other.name;
        this.engine = engine;
        this.clock = clock;
        this.trace = trace;
        this.tolerance = tolerance;
        this.buffer = other.buffer;
        ModelState state = other.state().copy();
        state.prune(Set.of());
        this.oracle = new Oracle(state);
        this.model = new Model(clock, state, oracle::record);
        this.pairs = other.pairs.copy();
        pairs.retain(state);
    }

    static MemorySegment newBuffer(Arena arena) {
        return arena.allocate(WRITE_BYTES_MAX, 4096);
    }

    String name() {
        return name;
    }

    Oracle oracle() {
        return oracle;
    }

    Model model() {
        return model;
    }

    ModelState state() {
        return model.state();
    }

    long operations() {
        return operations;
    }

    long acknowledgedSyncs() {
        return acknowledgedSyncs;
    }

    /** Answers since {@link #takeRefusals} that there is no room. */
    int refusals() {
        return refusals;
    }

    int takeRefusals() {
        int taken = refusals;
        refusals = 0;
        return taken;
    }

    int waitingSyncs() {
        return waitingSyncs;
    }

    List<Long> openFiles() {
        return open;
    }

    /** Throws what a callback found. */
    void rethrow() {
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
    }

    // ---- operations

    @Nullable
    Long lookup(long directory, String entry) {
        return inodeOf(both(
                "lookup " + directory + " " + show(entry),
                () -> engine.lookup(engineInode(directory), Model.bytes(entry)),
                () -> model.lookup(directory, Model.bytes(entry)),
                this::sameAttributes));
    }

    void forget(long inode, long count) {
        trace.add(name, "forget " + inode + " x" + count);
        Long engineInode = pairs.engine(inode);
        if (engineInode != null) {
            engine.forget(engineInode, count);
        }
        model.forget(inode, count);
    }

    /** Keeps a reference that {@link #forget} of the workload leaves alone. */
    void open(long inode) {
        open.add(inode);
    }

    void close(long inode) {
        open.remove(inode);
    }

    void getAttributes(long inode) {
        both(
                "attributes " + inode,
                () -> engine.attributes(engineInode(inode)),
                () -> model.attributes(inode),
                this::sameAttributes);
    }

    void setAttributes(long inode, AttributeChange change) {
        both(
                "setattr " + inode + " " + change,
                () -> engine.setAttributes(engineInode(inode), change),
                () -> model.setAttributes(inode, change),
                this::sameAttributes);
    }

    @Nullable
    Long make(long directory, String entry, int mode, int rdev, Owner owner) {
        return inodeOf(both(
                "make " + directory + " " + show(entry) + " mode " + Integer.toOctalString(mode),
                () -> engine.make(engineInode(directory), Model.bytes(entry), mode, rdev, owner),
                () -> model.make(directory, Model.bytes(entry), mode, rdev, owner),
                this::sameAttributes));
    }

    @Nullable
    Long makeUnnamed(long directory, int mode, Owner owner) {
        return inodeOf(both(
                "make without a name in " + directory,
                () -> engine.makeUnnamed(engineInode(directory), mode, owner),
                () -> model.makeUnnamed(directory, mode, owner),
                this::sameAttributes));
    }

    @Nullable
    Long symlink(long directory, String entry, String target, Owner owner) {
        return inodeOf(both(
                "symlink " + directory + " " + show(entry) + " -> " + target.length() + " bytes",
                () -> engine.symlink(engineInode(directory), Model.bytes(entry), Model.bytes(target), owner),
                () -> model.symlink(directory, Model.bytes(entry), Model.bytes(target), owner),
                this::sameAttributes));
    }

    void readLink(long inode) {
        both(
                "readlink " + inode,
                () -> engine.readLink(engineInode(inode)),
                () -> model.readLink(inode),
                this::sameBytes);
    }

    @Nullable
    Long link(long inode, long directory, String entry) {
        return inodeOf(both(
                "link " + inode + " as " + directory + " " + show(entry),
                () -> engine.link(engineInode(inode), engineInode(directory), Model.bytes(entry)),
                () -> model.link(inode, directory, Model.bytes(entry)),
                this::sameAttributes));
    }

    void unlink(long directory, String entry) {
        both(
                "unlink " + directory + " " + show(entry),
                () -> run(() -> engine.unlink(engineInode(directory), Model.bytes(entry))),
                () -> run(() -> model.unlink(directory, Model.bytes(entry))),
                Client::nothing);
    }

    void removeDirectory(long directory, String entry) {
        both(
                "rmdir " + directory + " " + show(entry),
                () -> run(() -> engine.removeDirectory(engineInode(directory), Model.bytes(entry))),
                () -> run(() -> model.removeDirectory(directory, Model.bytes(entry))),
                Client::nothing);
    }

    void rename(long directory, String entry, long newDirectory, String newEntry, int flags) {
        both(
                "rename " + directory + " " + show(entry) + " to " + newDirectory + " " + show(newEntry) + " flags "
                        + flags,
                () -> run(() -> engine.rename(
                        engineInode(directory),
                        Model.bytes(entry),
                        engineInode(newDirectory),
                        Model.bytes(newEntry),
                        flags)),
                () -> run(
                        () -> model.rename(directory, Model.bytes(entry), newDirectory, Model.bytes(newEntry), flags)),
                Client::nothing);
    }

    void readDirectory(long inode, int entriesAtOnce) {
        both(
                "readdir " + inode,
                () -> entries(engine, engineInode(inode), entriesAtOnce),
                () -> entries(model, inode, Integer.MAX_VALUE),
                this::sameEntries);
    }

    void read(long inode, long offset, int length) {
        both(
                "read " + inode + " " + offset + "+" + length,
                () -> bytes(engine, engineInode(inode), offset, length),
                () -> bytes(model, inode, offset, length),
                this::sameBytes);
    }

    void write(long inode, long offset, byte[] data) {
        both(
                "write " + inode + " " + offset + "+" + data.length,
                () -> run(() -> engine.write(engineInode(inode), offset, memory(data))),
                () -> run(() -> model.write(inode, offset, memory(data))),
                Client::nothing);
    }

    void zero(long inode, long offset, long length, boolean grows) {
        both(
                "zero " + inode + " " + offset + "+" + length + (grows ? ", grows" : ""),
                () -> run(() -> engine.zero(engineInode(inode), offset, length, grows)),
                () -> run(() -> model.zero(inode, offset, length, grows)),
                Client::nothing);
    }

    void allocate(long inode, long offset, long length, boolean grows) {
        both(
                "allocate " + inode + " " + offset + "+" + length + (grows ? ", grows" : ""),
                () -> run(() -> engine.allocate(engineInode(inode), offset, length, grows)),
                () -> run(() -> model.allocate(inode, offset, length, grows)),
                Client::nothing);
    }

    /** At most 1 MiB, which is one step. */
    void copy(long source, long sourceOffset, long target, long targetOffset, long length) {
        both(
                "copy " + source + " " + sourceOffset + "+" + length + " to " + target + " " + targetOffset,
                () -> engine.copy(engineInode(source), sourceOffset, engineInode(target), targetOffset, length),
                () -> model.copy(source, sourceOffset, target, targetOffset, length),
                (found, expected) -> same("copied bytes", found, expected));
    }

    /** Walks over the holes of a file: whatever is skipped as one must be zero. */
    void holes(long inode) {
        both(
                "holes of " + inode,
                () -> skipped(engineInode(inode)),
                () -> {
                    model.read(inode, 0, buffer.asSlice(0, 0));
                    return List.<Long>of();
                },
                (holes, _) -> {
                    FileContent content = state().node(inode).content;
                    for (int i = 0; i + 1 < holes.size(); i += 2) {
                        if (!content.isZero(holes.get(i), holes.get(i + 1))) {
                            same("content of the hole from " + holes.get(i), "data", "zeros");
                        }
                    }
                    same("end of the last hole or data", holes.getLast(), content.size());
                });
    }

    /** From where to where a file has holes, and behind that its size. */
    private List<Long> skipped(long engineInode) throws FsException {
        long size = engine.attributes(engineInode).size();
        List<Long> holes = new ArrayList<>();
        long at = 0;
        while (at < size) {
            long hole = engine.seek(engineInode, at, true);
            if (hole == size) {
                break;
            }
            long data;
            try {
                data = engine.seek(engineInode, hole, false);
            } catch (FsException end) {
                if (end.errno() != Errno.ENXIO) {
                    throw end;
                }
                data = size;
            }
            if (hole < at || data <= hole) {
                throw new SimulationFailure(name + ": " + comparing + ": hole from " + hole + " to " + data);
            }
            holes.add(hole);
            holes.add(data);
            at = data;
        }
        holes.add(size);
        return holes;
    }

    void getXattr(long inode, String attribute) {
        both(
                "getxattr " + inode + " " + show(attribute),
                () -> engine.getXattr(engineInode(inode), Model.bytes(attribute)),
                () -> model.getXattr(inode, Model.bytes(attribute)),
                this::sameBytes);
    }

    void setXattr(long inode, String attribute, String value, int flags) {
        both(
                "setxattr " + inode + " " + show(attribute) + " " + value.length() + " bytes, flags " + flags,
                () -> run(() -> engine.setXattr(engineInode(inode), Model.bytes(attribute), Model.bytes(value), flags)),
                () -> run(() -> model.setXattr(inode, Model.bytes(attribute), Model.bytes(value), flags)),
                Client::nothing);
    }

    void listXattr(long inode) {
        both(
                "listxattr " + inode,
                () -> texts(engine.listXattr(engineInode(inode))),
                () -> texts(model.listXattr(inode)),
                (found, expected) -> same("attributes", found, expected));
    }

    void removeXattr(long inode, String attribute) {
        both(
                "removexattr " + inode + " " + show(attribute),
                () -> run(() -> engine.removeXattr(engineInode(inode), Model.bytes(attribute))),
                () -> run(() -> model.removeXattr(inode, Model.bytes(attribute))),
                Client::nothing);
    }

    void sync(long inode, boolean dataOnly) {
        operations++;
        trace.add(name, (dataOnly ? "fdatasync " : "fsync ") + inode);
        long position = oracle.position();
        int asked = incarnation;
        waitingSyncs++;
        long engineInode = engineInode(inode);
        guarded("sync", () -> {
            engine.sync(engineInode, dataOnly, failure -> synced(inode, position, asked, failure));
            return true;
        });
    }

    private void synced(long inode, long position, int asked, @Nullable FsException failure) {
        if (asked != incarnation) {
            return;
        }
        waitingSyncs--;
        if (waitingSyncs < 0) {
            failures.add(new SimulationFailure("a sync of " + name + " was answered twice"));
        } else if (failure == null) {
            trace.add(name, "synced " + inode + " as of operation " + position);
            acknowledgedSyncs++;
            oracle.acknowledged(inode, position);
        } else if (!tolerance.mayBeDamaged()) {
            failures.add(new SimulationFailure("sync of " + name + " inode " + inode + " answers " + failure.errno()));
        }
    }

    VolumeStatistics statistics() {
        VolumeStatistics found = guarded("statfs", () -> engine.statistics());
        boolean sane = found.totalBytes() >= 0
                && found.availableBytes() >= 0
                && found.availableBytes() <= found.totalBytes()
                && found.freeInodes() >= 0
                && found.freeInodes() <= found.totalInodes();
        if (!sane) {
            throw new SimulationFailure("statfs of " + name + " makes no sense: " + found);
        }
        return found;
    }

    // ---- life and death

    /** The engine is gone and nothing of it will be heard. */
    void disconnected() {
        incarnation++;
        waitingSyncs = 0;
        open.clear();
    }

    /** Operations that were answered. */
    long answered() {
        return answered;
    }

    InodePairs pairs() {
        return pairs;
    }

    /** Everything that was done before {@code position} is durable. */
    void committed(long position) {
        oracle.committed(position, state());
    }

    /**
     * Looks at the whole volume of the new engine and judges it. {@code exact}: nothing that was answered may be missing.
     * The model goes on from what is seen.
     */
    void reconnected(PosixVolume volume, boolean exact) {
        engine = volume;
        Observation seen = Observation.of(volume, false);
        Oracle.Verdict verdict = oracle.judge(seen, pairs, exact ? Oracle.exact(answered) : oracle.afterCrash());
        Oracle.Match match = verdict.match();
        if (match == null) {
            throw new SimulationFailure("volume " + name + " after the death of the "
                    + (exact ? "process: " : "machine: ") + verdict.explanation());
        }
        ModelState state = exact ? oracle.keepOnly(match) : oracle.adopt(match);
        model.reset(state, false);
        pairs = match.pairs();
        pairs.retain(state);
        answered = oracle.position();
    }

    /** Compares the whole volume with the model now, while the engine runs. */
    void verify() {
        Observation seen = Observation.of(engine, tolerance.mayBeDamaged());
        Oracle.Verdict verdict = oracle.judge(seen, pairs, Oracle.exact(oracle.position()));
        if (verdict.match() == null) {
            throw new SimulationFailure("volume " + name + " while it runs: " + verdict.explanation());
        }
    }

    /** Compares what can still be read after too much was damaged. Returns whether anything was unreadable. */
    boolean verifyDamaged(PosixVolume volume) {
        engine = volume;
        Observation seen = Observation.of(volume, true);
        Oracle.Verdict verdict = oracle.judge(seen, pairs, Oracle.afterDamage());
        if (verdict.match() == null) {
            throw new SimulationFailure(
                    "volume " + name + " after more damage than it can bear: " + verdict.explanation());
        }
        return seen.hasGaps();
    }

    // ---- both sides

    private <T> @Nullable T both(String what, Call<T> onEngine, Call<T> onModel, Comparer<T> comparer) {
        rethrow();
        operations++;
        trace.add(name, what);
        answered = oracle.position();
        long startNanos = clock.nanos();
        T found = null;
        FsException refused = null;
        try {
            found = guarded(what, onEngine);
        } catch (PowerCut cut) {
            unanswered(onModel);
            throw cut;
        } catch (RefusedByEngine refusal) {
            refused = refusal.failure;
            if (isTolerated(what, refused.errno())) {
                refusals++;
                trace.add(name, "  answered " + refused.errno());
                return null;
            }
        }
        T expected;
        try {
            expected = onModel.run();
        } catch (FsException expectedRefusal) {
            Set<Errno> acceptable = model.acceptableRefusals();
            if (refused == null || !acceptable.contains(refused.errno())) {
                throw new SimulationFailure(name + ": " + what + ": expected " + acceptable + ", found "
                        + (refused == null ? "success" : refused.errno()));
            }
            return null;
        }
        answered = oracle.position();
        if (refused != null || found == null) {
            throw new SimulationFailure(
                    name + ": " + what + ": expected success, found " + (refused == null ? "null" : refused.errno()));
        }
        compareAt = startNanos;
        comparing = what;
        comparer.compare(found, expected);
        return expected;
    }

    private long compareAt;
    private String comparing = "";

    private boolean isTolerated(String what, Errno errno) {
        if (errno == Errno.ENOSPC || errno == Errno.EDQUOT) {
            tolerance.outOfSpace(this, errno, what);
            return true;
        }
        return tolerance.mayBeDamaged() && (errno == Errno.EIO || errno == Errno.EROFS);
    }

    /** The engine died in this operation: it may have happened or not. */
    private <T> void unanswered(Call<T> onModel) {
        try {
            onModel.run();
        } catch (FsException refusal) {
            trace.add(name, "  would have answered " + refusal.errno());
        }
    }

    /** Carries a refusal through code that cannot throw it. */
    private static final class RefusedByEngine extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient FsException failure;

        RefusedByEngine(FsException failure) {
            super(failure);
            this.failure = failure;
        }
    }

    private <T> T guarded(String what, Call<T> call) {
        try {
            return call.run();
        } catch (FsException failure) {
            throw new RefusedByEngine(failure);
        } catch (RuntimeException | StackOverflowError bug) {
            throw new SimulationFailure(name + ": " + what + " threw " + bug, bug);
        }
    }

    private interface Change {
        void run() throws FsException;
    }

    private static Boolean run(Change change) throws FsException {
        change.run();
        return true;
    }

    private static void nothing(Boolean found, Boolean expected) {}

    private @Nullable Long inodeOf(@Nullable Attributes attributes) {
        return attributes == null ? null : attributes.inode();
    }

    private long engineInode(long modelInode) {
        Long engineInode = pairs.engine(modelInode);
        if (engineInode == null) {
            throw new IllegalStateException("no engine inode is known for model inode " + modelInode);
        }
        return engineInode;
    }

    // ---- comparing

    /** An engine may use the number of an inode again once that is freed. */
    private void pair(long inode, long engineInode) {
        Long former = pairs.model(engineInode);
        if (former != null && former != inode && state().find(former) == null) {
            pairs.drop(former);
        }
        pairs.pair(inode, engineInode);
    }

    private void sameAttributes(Attributes found, Attributes expected) {
        pair(expected.inode(), found.inode());
        same("mode", Integer.toOctalString(found.mode()), Integer.toOctalString(expected.mode()));
        same("links", found.links(), expected.links());
        same("owner", found.uid() + ":" + found.gid(), expected.uid() + ":" + expected.gid());
        same("rdev", found.rdev(), expected.rdev());
        if ((expected.mode() & ModelState.TYPE_MASK) != ModelState.DIRECTORY) {
            same("size", found.size(), expected.size());
        }
        Node node = state().find(expected.inode());
        if (node != null) {
            node.modified = sameTime("mtime", Model.nanosOf(found.modified()), node.modified);
            node.changed = sameTime("ctime", Model.nanosOf(found.changed()), node.changed);
        }
    }

    /** A disk that stalls moves the clock during an operation: any time in it is right. */
    private long sameTime(String what, long found, long expected) {
        boolean stalled = found >= compareAt && found <= clock.nanos() && clock.nanos() > compareAt;
        if (!stalled) {
            same(what, found, expected);
        }
        return found;
    }

    private void sameBytes(byte[] found, byte[] expected) {
        int difference = Arrays.mismatch(found, expected);
        if (difference >= 0) {
            throw new SimulationFailure(name + ": " + comparing + ": expected " + expected.length + " bytes, found "
                    + found.length + ", which differ from byte " + difference + " on (" + at(expected, difference)
                    + " became " + at(found, difference) + ")");
        }
    }

    private static String at(byte[] bytes, int index) {
        return index < bytes.length ? Integer.toHexString(bytes[index] & 0xff) : "end";
    }

    private void sameEntries(Map<String, Long> found, Map<String, Long> expected) {
        same("names", new TreeSet<>(found.keySet()), new TreeSet<>(expected.keySet()));
        expected.forEach((entry, inode) -> {
            Long engineInode = found.get(entry);
            if (engineInode != null && !entry.equals("..")) {
                pair(inode, engineInode);
            }
        });
    }

    private void same(String what, Object found, Object expected) {
        if (!found.equals(expected)) {
            throw new SimulationFailure(
                    name + ": " + comparing + ": " + what + ": expected " + expected + ", found " + found);
        }
    }

    private Map<String, Long> entries(PosixVolume volume, long inode, int atOnce) throws FsException {
        Map<String, Long> result = new TreeMap<>();
        long[] cookie = {0};
        int[] taken = {0};
        do {
            taken[0] = 0;
            volume.readDirectory(inode, cookie[0], (entry, attributes, nextCookie) -> {
                if (taken[0] == atOnce) {
                    return false;
                }
                if (nextCookie <= cookie[0]) {
                    throw new SimulationFailure(name + ": directory cookies do not grow: " + nextCookie + " follows "
                            + cookie[0] + " in inode " + inode);
                }
                taken[0]++;
                cookie[0] = nextCookie;
                if (result.put(Model.text(entry), attributes.inode()) != null) {
                    throw new SimulationFailure(
                            name + ": directory inode " + inode + " lists " + show(Model.text(entry)) + " twice");
                }
                return true;
            });
        } while (taken[0] > 0 && atOnce != Integer.MAX_VALUE);
        return result;
    }

    private byte[] bytes(PosixVolume volume, long inode, long offset, int length) throws FsException {
        MemorySegment target = buffer.asSlice(0, length);
        target.fill((byte) 0x5a);
        int count = volume.read(inode, offset, target);
        return target.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
    }

    private MemorySegment memory(byte[] data) {
        MemorySegment.copy(data, 0, buffer, ValueLayout.JAVA_BYTE, 0, data.length);
        return buffer.asSlice(0, data.length);
    }

    private static Set<String> texts(List<byte[]> names) {
        Set<String> result = new HashSet<>();
        names.forEach(attribute -> result.add(Model.text(attribute)));
        return result;
    }

    private static String show(String entry) {
        return Trace.readable(entry, 24);
    }
}
