package io.dynamicfs.engine.format;

import io.dynamicfs.engine.format.Structure.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What holds for the whole pool: the default policy and its options. Value of the pool tree's key 1. */
public record PoolRecord(Redundancy redundancy, boolean verifyWrites, long createdMillis) {
    static final Structure STRUCTURE = new Structure("Pool record");
    private static final Field DATA_FRAGMENTS = STRUCTURE.field("data fragments", 1);
    private static final Field PARITY_FRAGMENTS = STRUCTURE.field("parity fragments", 1);
    private static final Field VERIFY_WRITES = STRUCTURE.field("verify writes", 1);
    private static final Field CREATED = STRUCTURE.reserve(5).field("created", 8);

    public PoolRecord withRedundancy(Redundancy policy) {
        return new PoolRecord(policy, verifyWrites, createdMillis);
    }

    public byte[] encode() {
        ByteBuffer buffer = ByteBuffer.allocate(STRUCTURE.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        buffer.put(DATA_FRAGMENTS.offset(), (byte) redundancy.dataFragments());
        buffer.put(PARITY_FRAGMENTS.offset(), (byte) redundancy.parityFragments());
        buffer.put(VERIFY_WRITES.offset(), (byte) (verifyWrites ? 1 : 0));
        buffer.putLong(CREATED.offset(), createdMillis);
        return buffer.array();
    }

    public static PoolRecord decode(byte[] value) {
        RecordReader reader = new RecordReader("pool record", value, STRUCTURE.bytes());
        Redundancy redundancy = reader.redundancy();
        boolean verify = reader.flag();
        reader.zeros(5);
        long created = reader.u64();
        return reader.end(new PoolRecord(redundancy, verify, created));
    }
}
