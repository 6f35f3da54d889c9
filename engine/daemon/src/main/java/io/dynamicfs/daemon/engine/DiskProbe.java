package io.dynamicfs.daemon.engine;

import java.nio.file.Path;
import java.util.UUID;

/** What a disk holds, seen without opening a pool. */
public record DiskProbe(Path path, long sizeBytes, Content content) {

    /** What was found. */
    public sealed interface Content permits Empty, Member, Foreign, Busy, Unreadable {}

    /** Neither ours nor anybody's. */
    public record Empty() implements Content {}

    /** A disk of a pool. */
    public record Member(UUID poolId, String poolName, UUID diskId, int index) implements Content {}

    /** Somebody else's content, by the name that may be given to overwrite it. */
    public record Foreign(String signature) implements Content {}

    /** Held by another program or by an open pool of this engine. */
    public record Busy(String reason) implements Content {}

    public record Unreadable(String reason) implements Content {}
}
