package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What holds for the whole pool: the default policy and its options. Value of the pool tree's key 1, 16 bytes. */
public record PoolRecord(Redundancy redundancy, boolean verifyWrites, long createdMillis) {
    public static final int BYTES = 16;

    public byte[] encode() {
        ByteBuffer buffer = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put((byte) redundancy.dataFragments());
        buffer.put((byte) redundancy.parityFragments());
        buffer.put((byte) (verifyWrites ? 1 : 0));
        buffer.putLong(8, createdMillis);
        return buffer.array();
    }

    public static PoolRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("pool record", value, BYTES);
        Redundancy redundancy = reader.redundancy();
        boolean verify = reader.flag();
        reader.zeros(5);
        long created = reader.u64();
        return reader.end(new PoolRecord(redundancy, verify, created));
    }
}
