package io.dynamicfs.engine.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The kernel's settings for the page cache of one mount, under {@code /sys/class/bdi}: for whoever has mounted it. */
public final class BackingDevice {
    private static final Logger LOG = LoggerFactory.getLogger(BackingDevice.class);
    private static final Path ALL = Path.of("/sys/class/bdi");
    private static final String READ_AHEAD_KIB = "1024";
    private static final String DIRTY_PERCENT_MAX = "100";

    private BackingDevice() {}

    /**
     * Lifts what the kernel assumes of an unknown FUSE server: little read-ahead, and 1% of the memory for dirty pages. A
     * mount works without, only slower. {@code device} is major:minor of the superblock, as in mountinfo. The mount must have
     * answered a request after INIT (statfs will do): before that the kernel would undo it.
     */
    public static void tune(String device) {
        Path settings = ALL.resolve(device);
        set(settings.resolve("read_ahead_kb"), READ_AHEAD_KIB);
        set(settings.resolve("max_ratio"), DIRTY_PERCENT_MAX);
        set(settings.resolve("strict_limit"), "0");
    }

    private static void set(Path setting, String value) {
        try {
            Files.writeString(setting, value);
        } catch (IOException refused) {
            LOG.info("mount stays slower: setting={} value={} refused={}", setting, value, refused.toString());
        }
    }
}
