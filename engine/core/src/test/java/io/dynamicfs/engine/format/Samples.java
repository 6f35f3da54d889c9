package io.dynamicfs.engine.format;

import io.dynamicfs.engine.hash.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/** Valid structures with random content. */
public final class Samples {
    private Samples() {}

    public static Identity identity(Random random) {
        return new Identity(
                new FeatureWords(random.nextLong(), random.nextLong(), 0),
                uuid(random),
                uuid(random),
                random.nextInt(1 << 16),
                (16L << 20) + 4096L * random.nextInt(1 << 20),
                random.nextLong(),
                "pööl-" + random.nextInt(1000));
    }

    public static RootRecord root(Random random) {
        List<Integer> rootDisks = new ArrayList<>();
        int disk = random.nextInt(100);
        for (int i = 0; i <= random.nextInt(RootRecord.ROOT_DISKS_MAX); i++) {
            rootDisks.add(disk);
            disk += 1 + random.nextInt(4000);
        }
        int copies = 1 + random.nextInt(RootRecord.COPIES_MAX);
        return new RootRecord(
                random.nextLong(),
                random.nextLong(),
                random.nextLong(),
                digest(random),
                random.nextBoolean(),
                random.nextLong(),
                random.nextInt(copies),
                copies,
                rootDisks,
                new NodePointer(random.nextLong(), random.nextLong(), digest(random)),
                new RootRecord.ChunkMap(random.nextInt(1 << 30), digest(random), addresses(random)),
                new RootRecord.Log(addresses(random), random.nextInt(1 << 30), random.nextLong(), random.nextLong()),
                random.nextLong(),
                random.nextLong(),
                random.nextLong());
    }

    public static RootSlot slot(Random random) {
        return new RootSlot(
                new FeatureWords(random.nextLong(), random.nextLong(), 0),
                uuid(random),
                uuid(random),
                random.nextInt(1 << 16),
                random.nextInt(),
                random.nextLong(),
                root(random));
    }

    public static UUID uuid(Random random) {
        return new UUID(random.nextLong(), random.nextLong());
    }

    public static Digest digest(Random random) {
        return new Digest(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private static List<BlockAddress> addresses(Random random) {
        List<BlockAddress> addresses = new ArrayList<>();
        for (int i = 0; i < random.nextInt(RootRecord.COPIES_MAX + 1); i++) {
            addresses.add(new BlockAddress(random.nextInt(1 << 16), random.nextLong() & BlockAddress.BLOCK_MAX));
        }
        return addresses;
    }
}
