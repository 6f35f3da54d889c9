package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Crc32c;
import io.dynamicfs.engine.hash.Digest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads ranges of extents: the checksum groups that cover the range, from the fragments that hold them; what does not verify
 * is taken from another replica or reconstructed from any k fragments, and verified again. Safe for several threads.
 */
public final class ExtentReader {
    private static final int GROUP = ExtentGeometry.GROUP_BYTES;

    /** Longest range that is read at once; longer ones are read in steps. */
    private static final int STEP_BYTES = 1 << 20;

    private final DiskSet disks;
    private final IoRunner io;
    private final ReadObserver observer;
    private final ThreadLocal<MemorySegment> stepBuffer =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STEP_BYTES + 2L * GROUP, 4096));

    /** For reconstruction, as large as the largest so far. */
    private final ThreadLocal<MemorySegment> stripeBuffer = ThreadLocal.withInitial(() -> MemorySegment.NULL);

    private final ReconstructedParts reconstructed = new ReconstructedParts();

    /** An extent with its whole checksum area. */
    public record Extent(ExtentRecord record, byte[] checksums) {
        private static final long RECORD_HEAP_BYTES = 400;

        ExtentGeometry geometry() {
            return new ExtentGeometry(record.length(), record.redundancy());
        }

        /** About what it takes on the heap. */
        public long heapBytes() {
            return RECORD_HEAP_BYTES + checksums.length + record.checksums().length;
        }

        /** The BLAKE3 values of the data groups; the digest itself when there is only one. */
        byte[] groupValues() {
            return checksums.length == 0 ? record.digest().toBytes() : checksums;
        }
    }

    public ExtentReader(DiskSet disks, IoRunner io, ReadObserver observer) {
        this.disks = disks;
        this.io = io;
        this.observer = observer;
    }

    /** Fills {@code target} with the extent's bytes from {@code offset} on, every one of them verified. */
    public void read(Extent extent, int offset, MemorySegment target) throws LostDataException {
        int end = offset + (int) target.byteSize();
        for (int at = offset; at < end; ) {
            int stepEnd = Math.min(end, (at / STEP_BYTES + 1) * STEP_BYTES);
            int alignedStart = at / GROUP * GROUP;
            MemorySegment step = readGroups(extent, alignedStart, ExtentGeometry.roundUp(stepEnd, GROUP));
            MemorySegment.copy(step, at - alignedStart, target, at - offset, stepEnd - at);
            at = stepEnd;
        }
    }

    /** A part of one fragment: bytes {@code from} to {@code to} of it, and where they are needed. */
    private record Part(int fragment, int from, int to, MemorySegment target) {}

    /** Verified bytes {@code start} to {@code end} of the extent, both at group boundaries; behind its end they are zeros. */
    private MemorySegment readGroups(Extent extent, int start, int end) throws LostDataException {
        ExtentGeometry geometry = extent.geometry();
        int fragmentBytes = geometry.fragmentBytes();
        MemorySegment buffer = stepBuffer.get().asSlice(0, end - start);
        List<Part> parts = new ArrayList<>();
        if (geometry.redundancy().isReplicas()) {
            parts.add(new Part(preferredReplica(extent.record()), start, end, buffer));
        } else {
            for (int fragment = start / fragmentBytes; fragment * fragmentBytes < end; fragment++) {
                int base = fragment * fragmentBytes;
                int from = Math.max(0, start - base);
                int to = Math.min(fragmentBytes, end - base);
                if (fragment < geometry.redundancy().dataFragments()) {
                    parts.add(new Part(fragment, from, to, buffer.asSlice(base + from - start, to - from)));
                }
            }
        }
        boolean[] good = readParts(extent, parts);
        for (int i = 0; i < good.length; i++) {
            if (!good[i]) {
                recover(extent, parts.get(i));
                observer.reconstructed(parts.get(i).to - parts.get(i).from);
            }
        }
        return buffer;
    }

    /** Reads and verifies parts side by side; element i of the result says whether part i is good. */
    private boolean[] readParts(Extent extent, List<Part> parts) {
        boolean[] good = new boolean[parts.size()];
        List<IoRunner.Task> tasks = new ArrayList<>(parts.size());
        for (int i = 0; i < good.length; i++) {
            Part part = parts.get(i);
            int index = i;
            BlockAddress place = extent.record().fragments().get(part.fragment);
            if (parts.size() == 1 || place.equals(ExtentRecord.NOT_STORED)) {
                good[i] = readPart(extent, part);
            } else {
                tasks.add(new IoRunner.Task(place.disk(), () -> good[index] = readPart(extent, part)));
            }
        }
        // A task that did not run to its end has left its part as not good.
        io.runAll(tasks);
        return good;
    }

    private boolean readPart(Extent extent, Part part) {
        ExtentGeometry geometry = extent.geometry();
        BlockAddress place = extent.record().fragments().get(part.fragment);
        int stored = Math.min(part.to, geometry.storedBytes(part.fragment));
        MemorySegment target = part.target;
        if (stored > part.from) {
            PoolDisk disk = disks.find(place.disk());
            if (disk == null || !disk.isReadable()) {
                return false;
            }
            try {
                disk.read(place.offsetBytes() + part.from, target.asSlice(0, stored - part.from));
            } catch (DeviceException e) {
                observer.fragmentIsBad(extent.record().id(), part.fragment);
                return false;
            }
            if (!verify(extent, part, stored)) {
                disk.countChecksumError();
                observer.fragmentIsBad(extent.record().id(), part.fragment);
                return false;
            }
        }
        // No checksum covers the rest of the last block: it is not believed, or it would spoil a reconstruction.
        int content = Math.min(part.to, geometry.contentBytes(part.fragment));
        target.asSlice(Math.max(0, content - part.from)).fill((byte) 0);
        return true;
    }

    private static boolean verify(Extent extent, Part part, int storedEnd) {
        ExtentGeometry geometry = extent.geometry();
        int k = geometry.redundancy().dataFragments();
        if (part.fragment >= k && !geometry.redundancy().isReplicas()) {
            return verifyParity(extent, part);
        }
        int base = geometry.redundancy().isReplicas() ? 0 : part.fragment * geometry.fragmentBytes();
        int length = Math.min(base + storedEnd, geometry.length()) - (base + part.from);
        return Blake3.verifyGroups(
                part.target.asSlice(0, length), (base + part.from) / GROUP, geometry.length(), extent.groupValues());
    }

    private static boolean verifyParity(Extent extent, Part part) {
        ExtentGeometry geometry = extent.geometry();
        ByteBuffer checksums = ByteBuffer.wrap(extent.checksums()).order(ByteOrder.LITTLE_ENDIAN);
        int row = part.fragment - geometry.redundancy().dataFragments();
        int base = geometry.groups() * Digest.BYTES + row * geometry.parityGroups() * Integer.BYTES;
        for (int at = part.from; at < part.to; at += GROUP) {
            int expected = checksums.getInt(base + at / GROUP * Integer.BYTES);
            if (Crc32c.of(part.target, at - part.from, GROUP) != expected) {
                return false;
            }
        }
        return true;
    }

    private void recover(Extent extent, Part part) throws LostDataException {
        if (extent.geometry().redundancy().isReplicas()) {
            recoverFromReplica(extent, part);
        } else {
            recoverFromStripe(extent, part);
        }
    }

    private void recoverFromReplica(Extent extent, Part part) throws LostDataException {
        for (int replica = 0; replica < extent.record().fragments().size(); replica++) {
            if (replica != part.fragment && readPart(extent, new Part(replica, part.from, part.to, part.target))) {
                return;
            }
        }
        throw lost(extent, "none of its " + extent.record().fragments().size() + " replicas can be read");
    }

    private void recoverFromStripe(Extent extent, Part part) throws LostDataException {
        if (reconstructed.copy(extent.record().id(), part.fragment, part.from, part.target)) {
            return;
        }
        int fragments = extent.geometry().redundancy().fragments();
        int length = part.to - part.from;
        MemorySegment scratch = stripeBuffer((long) fragments * length);
        MemorySegment[] segments = new MemorySegment[fragments];
        for (int i = 0; i < fragments; i++) {
            segments[i] = scratch.asSlice((long) i * length, length);
        }
        boolean[] present = readAnyFragments(extent, part, segments);
        boolean[] wanted = wantedToo(extent, part, present);
        Codes.of(extent.geometry().redundancy()).reconstruct(segments, present, wanted, length);
        if (!isRight(extent, new Part(part.fragment, part.from, part.to, segments[part.fragment]))) {
            throw lost(extent, "what its parity gives does not match its checksum");
        }
        MemorySegment.copy(segments[part.fragment], 0, part.target, 0, length);
        for (int i = 0; i < fragments; i++) {
            if (wanted[i] && i != part.fragment && isRight(extent, new Part(i, part.from, part.to, segments[i]))) {
                reconstructed.keep(extent.record().id(), i, part.from, segments[i]);
            }
        }
    }

    /** Reads the part's range of as many other fragments as a reconstruction needs; says which are in {@code segments} now. */
    private boolean[] readAnyFragments(Extent extent, Part part, MemorySegment[] segments) throws LostDataException {
        int k = extent.geometry().redundancy().dataFragments();
        boolean[] present = new boolean[segments.length];
        boolean[] tried = new boolean[segments.length];
        tried[part.fragment] = true;
        for (int found = 0; found < k; ) {
            List<Part> round = nextCandidates(extent, part, tried, k - found);
            if (round.isEmpty()) {
                throw lost(extent, "only " + found + " of the " + k + " fragments that are needed can be read");
            }
            List<Part> reads = new ArrayList<>(round.size());
            for (Part candidate : round) {
                reads.add(new Part(candidate.fragment, part.from, part.to, segments[candidate.fragment]));
            }
            boolean[] good = readParts(extent, reads);
            for (int i = 0; i < good.length; i++) {
                present[reads.get(i).fragment] = good[i];
                found += good[i] ? 1 : 0;
            }
        }
        return present;
    }

    /** The part's fragment, and others that who reads on in order needs next and no disk has: the same input gives them all. */
    private boolean[] wantedToo(Extent extent, Part part, boolean[] present) {
        boolean[] wanted = new boolean[present.length];
        wanted[part.fragment] = true;
        for (int i = 0; i < extent.geometry().redundancy().dataFragments(); i++) {
            BlockAddress place = extent.record().fragments().get(i);
            PoolDisk disk = place.equals(ExtentRecord.NOT_STORED) ? null : disks.find(place.disk());
            boolean lost = !place.equals(ExtentRecord.NOT_STORED)
                    && (disk == null || !disk.isReadable() || disk.state().health() == DiskHealth.FAILED);
            wanted[i] |= lost && !present[i] && reconstructed.keeps(part.from, part.to - part.from);
        }
        return wanted;
    }

    private static boolean isRight(Extent extent, Part part) {
        int stored = Math.min(part.to, extent.geometry().storedBytes(part.fragment));
        return stored <= part.from || verify(extent, part, stored);
    }

    private MemorySegment stripeBuffer(long bytes) {
        MemorySegment buffer = stripeBuffer.get();
        if (buffer.byteSize() < bytes) {
            buffer = Arena.ofAuto().allocate(bytes, 4096);
            stripeBuffer.set(buffer);
        }
        return buffer.asSlice(0, bytes);
    }

    /** The next fragments worth a try: those that need no disk first, then healthy disks, then the others. */
    private List<Part> nextCandidates(Extent extent, Part part, boolean[] tried, int count) {
        List<Part> candidates = new ArrayList<>(count);
        for (boolean healthy : new boolean[] {true, false}) {
            for (int i = 0; i < tried.length && candidates.size() < count; i++) {
                if (!tried[i] && isHealthy(extent.record().fragments().get(i)) == healthy) {
                    tried[i] = true;
                    candidates.add(new Part(i, part.from, part.to, part.target));
                }
            }
        }
        return candidates;
    }

    private int preferredReplica(ExtentRecord record) {
        int replicas = record.fragments().size();
        int first = (int) (record.id() % replicas);
        for (int i = 0; i < replicas; i++) {
            int replica = (first + i) % replicas;
            if (isHealthy(record.fragments().get(replica))) {
                return replica;
            }
        }
        return first;
    }

    private boolean isHealthy(BlockAddress place) {
        if (place.equals(ExtentRecord.NOT_STORED)) {
            return true;
        }
        PoolDisk disk = disks.find(place.disk());
        return disk != null && disk.isReadable() && disk.state().health() == DiskHealth.HEALTHY;
    }

    private static LostDataException lost(Extent extent, String why) {
        return new LostDataException(
                "extent " + extent.record().id() + " (inode " + extent.record().inode() + " of volume "
                        + extent.record().volume() + ", " + extent.record().length() + " bytes) is lost: " + why);
    }

    /**
     * Reads every stored fragment whole and says which are good, without using or repairing anything; for checks. Returns one
     * element for each fragment; a fragment that is not stored is good.
     */
    public boolean[] probe(Extent extent) {
        ExtentGeometry geometry = extent.geometry();
        List<Part> parts = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            for (int i = 0; i < geometry.redundancy().fragments(); i++) {
                int to = geometry.redundancy().isReplicas()
                        ? ExtentGeometry.roundUp(geometry.length(), GROUP)
                        : geometry.fragmentBytes();
                parts.add(new Part(i, 0, to, arena.allocate(to, 4096)));
            }
            return readParts(extent, parts);
        }
    }

    /** The right bytes of one fragment, recovered from the others, for repair: its stored bytes in {@code target}. */
    public void rebuild(Extent extent, int fragment, MemorySegment target) throws LostDataException {
        int to = ExtentGeometry.roundUp((int) target.byteSize(), GROUP);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment whole = arena.allocate(to, 4096);
            recover(extent, new Part(fragment, 0, to, whole));
            MemorySegment.copy(whole, 0, target, 0, target.byteSize());
        }
    }
}
