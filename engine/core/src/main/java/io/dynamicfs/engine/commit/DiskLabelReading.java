package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.format.Decoded;
import io.dynamicfs.engine.format.Identity;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What the identity blocks of a disk say. */
public sealed interface DiskLabelReading {

    /** One identity block. */
    record Copy(long offset, Decoded<Identity> content) {
        @Override
        public String toString() {
            return "byte " + offset + ": " + content.describe();
        }
    }

    /** A disk of a pool. {@code damaged} are the copies to heal: unreadable ones, and ones that an interrupted write left behind. */
    record Labelled(Identity identity, List<Copy> damaged) implements DiskLabelReading {}

    /** A disk of a pool that is now smaller than the pool takes it to be. */
    record Shrunk(Identity identity, long deviceBytes) implements DiskLabelReading {}

    /** Not a disk of a pool: no copy has so much as our magic number. */
    record Unlabelled() implements DiskLabelReading {}

    /** A disk of a pool, with a label that this version must not or cannot use. */
    record Unusable(List<Copy> copies) implements DiskLabelReading {
        /** Whether it is intact and of a version or with features that are not known here. */
        boolean isOfAnotherVersion() {
            return copies.stream().anyMatch(copy -> isFromAnotherVersion(copy.content()));
        }
    }

    /** Valid copies name different disks. */
    record Contradictory(List<Copy> copies) implements DiskLabelReading {}

    static DiskLabelReading of(BlockDevice device, List<Copy> copies) {
        List<Identity> identities = new ArrayList<>();
        for (Copy copy : copies) {
            if (copy.content() instanceof Decoded.Valid<Identity>(Identity identity)) {
                identities.add(identity);
            } else if (isFromAnotherVersion(copy.content())) {
                return new Unusable(List.copyOf(copies));
            }
        }
        if (identities.isEmpty()) {
            return copies.stream().allMatch(copy -> isForeign(copy.content()))
                    ? new Unlabelled()
                    : new Unusable(List.copyOf(copies));
        }
        Identity newest = identities.getFirst();
        if (identities.stream().anyMatch(other -> !isSameDisk(newest, other))) {
            return new Contradictory(List.copyOf(copies));
        }
        if (newest.sizeBytes() > device.sizeBytes()) {
            return new Shrunk(newest, device.sizeBytes());
        }
        Decoded<Identity> intact = new Decoded.Valid<>(newest);
        return new Labelled(
                newest,
                copies.stream().filter(copy -> !copy.content().equals(intact)).toList());
    }

    private static boolean isSameDisk(Identity one, Identity other) {
        return one.poolId().equals(other.poolId())
                && one.diskId().equals(other.diskId())
                && one.diskIndex() == other.diskIndex();
    }

    /** Intact, so that an older copy beside it must not be believed, and it must not be overwritten. */
    private static boolean isFromAnotherVersion(Decoded<Identity> content) {
        return switch (content) {
            case Decoded.TooOld<Identity> old -> true;
            case Decoded.TooNew<Identity> newer -> true;
            case Decoded.UnknownFeatures<Identity> unknown -> true;
            case Decoded.Valid<Identity> valid -> false;
            case Decoded.Blank<Identity> blank -> false;
            case Decoded.Corrupt<Identity> corrupt -> false;
        };
    }

    private static boolean isForeign(Decoded<Identity> content) {
        if (content instanceof Decoded.Corrupt<Identity> corrupt) {
            return corrupt.field().equals("magic");
        }
        return content instanceof Decoded.Blank<Identity>;
    }

    /** For a message. */
    default String describe() {
        return switch (this) {
            case Labelled labelled ->
                "disk " + labelled.identity.diskIndex() + " of pool " + labelled.identity.poolName()
                        + (labelled.damaged.isEmpty() ? "" : ", damaged copies: " + list(labelled.damaged));
            case Shrunk shrunk ->
                "expected at least " + shrunk.identity.sizeBytes() + " bytes, found " + shrunk.deviceBytes
                        + ": restore the size of the disk, or replace it";
            case Unlabelled unlabelled -> "not a disk of a DynamicFS pool";
            case Unusable unusable -> "the label cannot be used: " + list(unusable.copies);
            case Contradictory contradictory ->
                "the label names more than one disk, so it was copied or formatted in part: "
                        + list(contradictory.copies);
        };
    }

    private static String list(List<Copy> copies) {
        return copies.stream().map(Copy::toString).collect(Collectors.joining("; "));
    }
}
