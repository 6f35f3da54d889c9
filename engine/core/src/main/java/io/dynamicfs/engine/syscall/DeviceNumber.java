package io.dynamicfs.engine.syscall;

/** Major and minor number of a device, as in {@code /sys/dev/block/MAJOR:MINOR}. */
public record DeviceNumber(int major, int minor) {
    @Override
    public String toString() {
        return major + ":" + minor;
    }
}
