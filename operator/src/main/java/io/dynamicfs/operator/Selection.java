package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskSelector;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.storage.VolumeAttachment;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whether a selector means a disk. One that a VolumeAttachment speaks of is another driver's and never meant. */
record Selection(DiskSelector selector, ClusterView cluster) {
    private static final int IDENTIFIER_LENGTH_MIN = 8;

    /** Virtual disks show so many characters of their identifier as serial number. */
    private static final int VIRTUAL_SERIAL_LENGTH = 20;

    boolean matches(Disk disk) {
        DiskStatus status = disk.getStatus();
        return status != null
                && atLeast(status.getSizeBytes(), selector.getMinSize())
                && atMost(status.getSizeBytes(), selector.getMaxSize())
                && (selector.getRotational() == null || selector.getRotational().equals(status.getRotational()))
                && anyGlob(selector.getModels(), Stream.ofNullable(status.getModel()))
                && anyGlob(selector.getPaths(), Claims.names(disk))
                && !isOfAnotherDriver(disk);
    }

    private boolean isOfAnotherDriver(Disk disk) {
        return cluster.attachments().stream()
                .filter(attachment ->
                        disk.getSpec().getNodeName().equals(attachment.getSpec().getNodeName()))
                .flatMap(this::identifiers)
                .anyMatch(identifier -> speaksOf(identifier, disk));
    }

    private Stream<String> identifiers(VolumeAttachment attachment) {
        Map<String, String> metadata =
                attachment.getStatus() == null || attachment.getStatus().getAttachmentMetadata() == null
                        ? Map.of()
                        : attachment.getStatus().getAttachmentMetadata();
        return Stream.concat(metadata.values().stream(), handle(attachment).stream());
    }

    private Optional<String> handle(VolumeAttachment attachment) {
        String name = attachment.getSpec().getSource() == null
                ? null
                : attachment.getSpec().getSource().getPersistentVolumeName();
        return cluster.volumes().stream()
                .filter(volume -> volume.getMetadata().getName().equals(name))
                .map(PersistentVolume::getSpec)
                .filter(spec -> spec.getCsi() != null && spec.getCsi().getVolumeHandle() != null)
                .map(spec -> spec.getCsi().getVolumeHandle())
                .map(handle -> handle.substring(handle.lastIndexOf('/') + 1))
                .findFirst();
    }

    private static boolean speaksOf(String identifier, Disk disk) {
        String plain = plain(identifier);
        if (plain.length() < IDENTIFIER_LENGTH_MIN) {
            return Claims.names(disk).anyMatch(identifier::equals);
        }
        String head = plain.substring(0, Math.min(plain.length(), VIRTUAL_SERIAL_LENGTH));
        DiskStatus status = disk.getStatus();
        return Stream.concat(Claims.names(disk), Stream.ofNullable(status.getSerial()))
                .map(Selection::plain)
                .anyMatch(name -> name.contains(plain) || name.endsWith(head));
    }

    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
    }

    private static boolean anyGlob(List<String> globs, Stream<String> texts) {
        if (globs.isEmpty()) {
            return true;
        }
        List<String> all = texts.toList();
        return globs.stream().map(Glob::of).anyMatch(glob -> all.stream().anyMatch(glob::matches));
    }

    private static boolean atLeast(long size, @Nullable String limit) {
        return limit == null
                || Quantities.bytes(limit).map(bytes -> size >= bytes).orElse(false);
    }

    private static boolean atMost(long size, @Nullable String limit) {
        return limit == null
                || Quantities.bytes(limit).map(bytes -> size <= bytes).orElse(false);
    }

    /** Quantities in bytes; whatever is none was refused by the API server. */
    static final class Quantities {
        private Quantities() {}

        static Optional<Long> bytes(String text) {
            try {
                return Optional.of(
                        Quantity.getAmountInBytes(Quantity.parse(text)).longValue());
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }
    }
}
