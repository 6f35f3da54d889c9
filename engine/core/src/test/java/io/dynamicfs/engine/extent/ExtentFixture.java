package io.dynamicfs.engine.extent;

import io.dynamicfs.engine.alloc.DiskSpace;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.IoRunner;
import io.dynamicfs.engine.device.MemoryBlockDevice;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Redundancy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Disks in memory, and extents written to them. */
final class ExtentFixture {
    static final int BLOCK = 4096;

    final List<MemoryBlockDevice> devices = new ArrayList<>();
    final DiskSet disks;
    final Map<Integer, DiskSpace> spaces = new TreeMap<>();
    final ExtentPlacement placement;
    final FragmentWriter writer;
    final ExtentReader reader;

    /** Extent and fragment of everything that was found bad. */
    final Set<String> bad = new TreeSet<>();

    private final BatchArena arena = new BatchArena();
    private long nextExtent = 1;

    ExtentFixture(long... blocks) {
        List<PoolDisk> members = new ArrayList<>();
        for (int i = 0; i < blocks.length; i++) {
            devices.add(new MemoryBlockDevice("disk" + i, blocks[i] * BLOCK));
            members.add(new PoolDisk(
                    i,
                    new UUID(0, i),
                    devices.get(i),
                    blocks[i] * BLOCK,
                    "",
                    new PoolDisk.State(DiskHealth.HEALTHY, "", 0)));
            spaces.put(i, new DiskSpace(i, 0, blocks[i], blocks[i], (disk, region) -> null));
        }
        disks = new DiskSet(members);
        placement = new ExtentPlacement(disks, spaces);
        writer = new FragmentWriter(disks, ExtentFixture::runInline);
        reader = new ExtentReader(disks, ExtentFixture::runInline, new ReadObserver() {
            @Override
            public void fragmentIsBad(long extent, int fragment) {
                bad.add(extent + "/" + fragment);
            }

            @Override
            public void reconstructed(long bytes) {}
        });
    }

    static ExtentFixture ofDisks(int count, long blocks) {
        long[] sizes = new long[count];
        java.util.Arrays.fill(sizes, blocks);
        return new ExtentFixture(sizes);
    }

    static List<@Nullable DeviceException> runInline(List<IoRunner.Task> tasks) {
        List<@Nullable DeviceException> results = new ArrayList<>();
        for (IoRunner.Task task : tasks) {
            try {
                task.action().run();
                results.add(null);
            } catch (DeviceException e) {
                results.add(e);
            }
        }
        return results;
    }

    static byte[] random(int length, long seed) {
        byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        return data;
    }

    EncodedExtent encode(byte[] data, Redundancy redundancy) {
        arena.reset();
        MemorySegment buffer = arena.allocate(EncodedExtent.bufferBytes(data.length, redundancy));
        buffer.fill((byte) 0x77);
        MemorySegment.copy(data, 0, buffer, ValueLayout.JAVA_BYTE, 0, data.length);
        return EncodedExtent.encode(buffer, data.length, redundancy);
    }

    static List<FragmentWriter.Piece> pieces(EncodedExtent encoded, List<BlockAddress> places) {
        List<FragmentWriter.Piece> pieces = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            if (!places.get(i).equals(ExtentRecord.NOT_STORED)) {
                pieces.add(new FragmentWriter.Piece(
                        places.get(i), encoded.fragments().get(i)));
            }
        }
        return pieces;
    }

    /** Encodes, places and writes an extent. */
    ExtentReader.Extent store(byte[] data, Redundancy redundancy) {
        EncodedExtent encoded = encode(data, redundancy);
        long id = nextExtent++;
        List<BlockAddress> places =
                placement.place(id, encoded.geometry(), disk -> 0).orElseThrow();
        List<FragmentWriter.Failure> failures = writer.write(pieces(encoded, places), true);
        if (!failures.isEmpty()) {
            throw new AssertionError(failures);
        }
        ExtentRecord record = new ExtentRecord(
                id, 1, 1, 2, data.length, data.length, redundancy, encoded.digest(), places, encoded.checksums());
        return new ExtentReader.Extent(record, encoded.checksums());
    }

    byte[] read(ExtentReader.Extent extent, int offset, int length) throws LostDataException {
        byte[] target = new byte[length];
        reader.read(extent, offset, MemorySegment.ofArray(target));
        return target;
    }

    /** Changes one byte of what a fragment's disk holds. */
    void corrupt(ExtentReader.Extent extent, int fragment, int offset) {
        BlockAddress place = extent.record().fragments().get(fragment);
        MemorySegment bytes = devices.get(place.disk()).bytes();
        long at = place.offsetBytes() + offset;
        bytes.set(ValueLayout.JAVA_BYTE, at, (byte) (bytes.get(ValueLayout.JAVA_BYTE, at) ^ 0x20));
    }

    void makeUnreadable(ExtentReader.Extent extent, int fragment) {
        BlockAddress place = extent.record().fragments().get(fragment);
        int blocks = extent.geometry().storedBlocks(fragment);
        for (int i = 0; i < blocks; i++) {
            devices.get(place.disk()).failReadsAt(place.offsetBytes() + (long) i * BLOCK);
        }
    }

    /** Takes a disk away, as if it was missing when the pool was opened. */
    void remove(int disk) {
        PoolDisk old = disks.get(disk);
        disks.add(new PoolDisk(
                disk, old.uuid(), null, old.sizeBytes(), "", new PoolDisk.State(DiskHealth.FAILED, "missing", 0)));
    }
}
