package io.dynamicfs.csi.disk;

import java.util.List;
import java.util.UUID;

/** What is on a disk, seen without opening a pool. */
public sealed interface DiskContent {
    /** Nothing that anybody would recognise. */
    record Empty() implements DiskContent {}

    /** A disk of a pool. */
    record Member(UUID poolId, String poolName, UUID diskId, int index) implements DiskContent {}

    /** Somebody else's, by the names of the signatures. */
    record Foreign(List<String> signatures) implements DiskContent {
        public Foreign {
            signatures = List.copyOf(signatures);
        }
    }

    /** Too small for a pool to use; not looked at. */
    record TooSmall(String reason) implements DiskContent {}

    /** It does not answer, answers with errors, or has a label of ours that cannot be used. */
    record Unreadable(String reason) implements DiskContent {}
}
