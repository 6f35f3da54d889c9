package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.sim.IoTrigger.Kind;
import io.dynamicfs.engine.sim.IoTrigger.Verdict;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * A disk in memory with a volatile write cache and seeded faults. A power cut keeps, loses or tears each write since the
 * last flush; the death of a process keeps them all, still unflushed. Used by one thread.
 */
public final class SimDisk implements BlockDevice {
    public static final int SECTOR_BYTES = 512;

    /** A real cache is finite: with more unflushed writes than this the oldest reach the platter (matters to a lying disk). */
    private static final int UNFLUSHED_MAX = 4096;

    private static final int SECTORS_PER_BLOCK = BLOCK_BYTES / SECTOR_BYTES;

    /** What a power cut does to unflushed writes. */
    public enum Loss {
        NOTHING,
        EVERYTHING,
        RANDOM
    }

    private record Unflushed(int firstBlock, List<byte[]> blocks) {}

    private final String name;
    private final long sizeBytes;
    private final IoTrigger trigger;
    private final SplittableRandom random;
    private final DiskFaults faults = new DiskFaults();
    private final List<Unflushed> unflushed;
    private final BitSet unreadable;
    private BlockMap current;
    private BlockMap durable;
    private BlockMap stale;
    private boolean gone;
    private boolean closed;

    public SimDisk(String name, long sizeBytes, IoTrigger trigger, long seed) {
        this.name = name;
        this.sizeBytes = sizeBytes;
        this.trigger = trigger;
        this.random = new SplittableRandom(seed);
        this.unflushed = new ArrayList<>();
        this.unreadable = new BitSet();
        this.current = BlockMap.zeros(blocks());
        this.durable = current.fork();
        this.stale = current.fork();
    }

    private SimDisk(SimDisk other, IoTrigger trigger, long seed) {
        this.name = other.name;
        this.sizeBytes = other.sizeBytes;
        this.trigger = trigger;
        this.random = new SplittableRandom(seed);
        this.unflushed = new ArrayList<>(other.unflushed);
        this.unreadable = (BitSet) other.unreadable.clone();
        this.current = other.current.fork();
        this.durable = other.durable.fork();
        this.stale = other.stale.fork();
        this.gone = other.gone;
    }

    /** An independent disk with the same content and the same unflushed writes. Cheap. */
    public SimDisk fork(IoTrigger otherTrigger, long seed) {
        return new SimDisk(this, otherTrigger, seed);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offset, MemorySegment target) throws DeviceException {
        begin("read", Kind.READ, offset, target);
        if (DiskFaults.hits(random, faults.readErrors)) {
            throw failed("read", offset, "input/output error");
        }
        int first = blockAt(offset);
        int count = blockAt(target.byteSize());
        int bad = unreadable.nextSetBit(first);
        if (bad >= 0 && bad < first + count) {
            throw failed("read", (long) bad * BLOCK_BYTES, "unrecoverable medium error");
        }
        int from = DiskFaults.hits(random, faults.misdirectedReads) ? random.nextInt(blocks() - count + 1) : first;
        BlockMap source = DiskFaults.hits(random, faults.staleReads) ? stale : current;
        for (int i = 0; i < count; i++) {
            MemorySegment.copy(
                    source.get(from + i), 0, target, ValueLayout.JAVA_BYTE, (long) i * BLOCK_BYTES, BLOCK_BYTES);
        }
        if (DiskFaults.hits(random, faults.flippedReads)) {
            long at = random.nextLong(target.byteSize());
            byte old = target.get(ValueLayout.JAVA_BYTE, at);
            target.set(ValueLayout.JAVA_BYTE, at, (byte) (old ^ 1 << random.nextInt(8)));
        }
    }

    @Override
    public void write(long offset, MemorySegment source) throws DeviceException {
        Verdict verdict = trigger.next(this, Kind.WRITE, offset, source.byteSize());
        require(offset, source.byteSize(), source);
        if (verdict == Verdict.CUT) {
            if (!gone) {
                landInPart(blockAt(offset), blocksOf(source));
            }
            throw new PowerCut("in a write of " + name + " at " + offset);
        }
        requireThere("write", offset);
        if (verdict == Verdict.FAIL || DiskFaults.hits(random, faults.writeErrors)) {
            landInPart(blockAt(offset), blocksOf(source));
            throw failed("write", offset, "input/output error");
        }
        if (DiskFaults.hits(random, faults.lostWrites)) {
            return;
        }
        int count = blockAt(source.byteSize());
        boolean astray = DiskFaults.hits(random, faults.misdirectedWrites);
        land(astray ? random.nextInt(blocks() - count + 1) : blockAt(offset), blocksOf(source));
    }

    @Override
    public void flush() throws DeviceException {
        Verdict verdict = trigger.next(this, Kind.FLUSH, 0, 0);
        requireOpen();
        if (verdict == Verdict.CUT) {
            throw new PowerCut("in a flush of " + name);
        }
        requireThere("flush", 0);
        if (verdict == Verdict.FAIL || DiskFaults.hits(random, faults.flushErrors)) {
            loseUnflushed(Loss.RANDOM);
            throw failed("flush", 0, "input/output error");
        }
        if (!faults.lyingFlush) {
            stale = durable;
            durable = current.fork();
            unflushed.clear();
        }
    }

    @Override
    public void discard(long offset, long length) throws DeviceException {
        Verdict verdict = trigger.next(this, Kind.DISCARD, offset, length);
        requireOpen();
        requireRange(offset, length);
        if (verdict == Verdict.CUT) {
            throw new PowerCut("in a discard of " + name);
        }
        requireThere("discard", offset);
        if (verdict == Verdict.FAIL) {
            throw failed("discard", offset, "input/output error");
        }
        if (!faults.ignoresDiscard) {
            for (int block = blockAt(offset); block < blockAt(offset + length); block++) {
                byte[] noise = BlockMap.noiseBlock(random.nextLong());
                current.put(block, noise);
                durable.put(block, noise);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
    }

    /** Makes a closed disk usable for the next engine. */
    public void reopen() {
        closed = false;
    }

    /** The faults that it has from now on. */
    public DiskFaults faults() {
        return faults;
    }

    /** The machine lost its power: the cache is gone. */
    public void powerCut(Loss loss) {
        loseUnflushed(loss);
        closed = false;
    }

    /** The disk answers nothing until {@link #comeBack}; its cache is lost. */
    public void vanish() {
        loseUnflushed(Loss.RANDOM);
        gone = true;
    }

    /** The disk is there again, as it was when it vanished. */
    public void comeBack() {
        gone = false;
    }

    public boolean isGone() {
        return gone;
    }

    /** Turns bits in blocks that were written. */
    public void flipBits(int count) {
        for (int i = 0; i < count; i++) {
            int block = current.pickWritten(random);
            byte[] content = current.get(block).clone();
            content[random.nextInt(content.length)] ^= (byte) (1 << random.nextInt(8));
            putEverywhere(block, content);
        }
    }

    /** Makes blocks that were written unreadable, until they are written again. */
    public void loseSectors(int count) {
        for (int i = 0; i < count; i++) {
            unreadable.set(current.pickWritten(random));
        }
    }

    /** Overwrites the whole disk with random bytes. */
    public void scribble() {
        current = BlockMap.noise(blocks(), random.nextLong() | 1);
        durable = current.fork();
        unflushed.clear();
    }

    /** Overwrites {@code length} bytes at {@code offset} with random bytes. */
    public void scribble(long offset, long length) {
        requireRange(offset, length);
        for (int block = blockAt(offset); block < blockAt(offset + length); block++) {
            putEverywhere(block, BlockMap.noiseBlock(random.nextLong()));
        }
    }

    /** Changes one byte of the stored content, bypassing everything. */
    public void poke(long offset, byte value) {
        byte[] content = current.get(blockAt(offset)).clone();
        content[(int) (offset % BLOCK_BYTES)] = value;
        putEverywhere(blockAt(offset), content);
    }

    /** The stored block as a reader without faults would see it. */
    public byte[] peek(long offset) {
        return current.get(blockAt(offset)).clone();
    }

    /** Writes that no flush covers yet. */
    public int unflushedWrites() {
        return unflushed.size();
    }

    @Override
    public String toString() {
        return name;
    }

    private void begin(String operation, Kind kind, long offset, MemorySegment memory) throws DeviceException {
        Verdict verdict = trigger.next(this, kind, offset, memory.byteSize());
        require(offset, memory.byteSize(), memory);
        if (verdict == Verdict.CUT) {
            throw new PowerCut("in a " + operation + " of " + name + " at " + offset);
        }
        requireThere(operation, offset);
        if (verdict == Verdict.FAIL) {
            throw failed(operation, offset, "input/output error");
        }
    }

    private void require(long offset, long length, MemorySegment memory) {
        requireOpen();
        requireRange(offset, length);
        if (!memory.isNative() || memory.address() % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("memory for disk I/O must be native and aligned to " + BLOCK_BYTES);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    private void requireRange(long offset, long length) {
        boolean aligned = offset % BLOCK_BYTES == 0 && length % BLOCK_BYTES == 0;
        if (!aligned || offset < 0 || length <= 0 || offset + length > sizeBytes) {
            throw new IllegalArgumentException("range " + offset + "+" + length + " is not whole blocks of " + name
                    + " (" + sizeBytes + " bytes)");
        }
    }

    private void requireThere(String operation, long offset) throws DeviceException {
        if (gone) {
            throw failed(operation, offset, "no such device");
        }
    }

    private DeviceException failed(String operation, long offset, String reason) {
        return new DeviceException(name, operation, offset, reason);
    }

    private static List<byte[]> blocksOf(MemorySegment source) {
        List<byte[]> blocks = new ArrayList<>();
        for (long at = 0; at < source.byteSize(); at += BLOCK_BYTES) {
            blocks.add(source.asSlice(at, BLOCK_BYTES).toArray(ValueLayout.JAVA_BYTE));
        }
        return blocks;
    }

    private void land(int first, List<byte[]> blocks) {
        for (int i = 0; i < blocks.size(); i++) {
            current.put(first + i, blocks.get(i));
            unreadable.clear(first + i);
        }
        unflushed.add(new Unflushed(first, blocks));
        if (unflushed.size() > UNFLUSHED_MAX) {
            Unflushed oldest = unflushed.removeFirst();
            putAll(durable, oldest.firstBlock, oldest.blocks);
        }
    }

    /** A write that was under way when it was interrupted: none, some or all of its sectors arrived. */
    private void landInPart(int first, List<byte[]> blocks) {
        List<byte[]> mixed = torn(current, first, blocks);
        land(first, mixed);
    }

    private void loseUnflushed(Loss loss) {
        BlockMap after = durable.fork();
        // One probability for the whole cache, so that "almost all" and "almost nothing" are both common.
        int keptPercent = switch (loss) {
            case NOTHING -> 100;
            case EVERYTHING -> 0;
            case RANDOM -> List.of(0, 10, 50, 90, 100).get(random.nextInt(5));
        };
        for (Unflushed write : unflushed) {
            boolean tears = loss == Loss.RANDOM && random.nextInt(100) < 15;
            if (tears) {
                putAll(after, write.firstBlock, torn(after, write.firstBlock, write.blocks));
            } else if (random.nextInt(100) < keptPercent) {
                putAll(after, write.firstBlock, write.blocks);
            }
        }
        unflushed.clear();
        durable = after;
        current = after.fork();
    }

    private List<byte[]> torn(BlockMap old, int first, List<byte[]> blocks) {
        int sectors = blocks.size() * SECTORS_PER_BLOCK;
        int cut = random.nextInt(sectors + 1);
        boolean inOrder = random.nextInt(3) > 0;
        boolean tailFirst = random.nextInt(4) == 0;
        List<byte[]> mixed = new ArrayList<>(blocks.size());
        for (int i = 0; i < blocks.size(); i++) {
            byte[] content = old.get(first + i).clone();
            for (int s = 0; s < SECTORS_PER_BLOCK; s++) {
                int sector = i * SECTORS_PER_BLOCK + s;
                boolean arrived = inOrder ? (sector < cut) != tailFirst : random.nextBoolean();
                if (arrived) {
                    System.arraycopy(blocks.get(i), s * SECTOR_BYTES, content, s * SECTOR_BYTES, SECTOR_BYTES);
                }
            }
            mixed.add(content);
        }
        return mixed;
    }

    private static void putAll(BlockMap map, int first, List<byte[]> blocks) {
        for (int i = 0; i < blocks.size(); i++) {
            map.put(first + i, blocks.get(i));
        }
    }

    private void putEverywhere(int block, byte[] content) {
        current.put(block, content);
        durable.put(block, content);
    }

    private int blocks() {
        return blockAt(sizeBytes);
    }

    private static int blockAt(long offset) {
        return Math.toIntExact(offset / BLOCK_BYTES);
    }

    RandomGenerator random() {
        return random;
    }
}
