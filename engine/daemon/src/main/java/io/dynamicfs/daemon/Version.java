package io.dynamicfs.daemon;

/** Which build this is. */
public final class Version {
    /** Format version of what this build writes to disks. */
    public static final int DISK_FORMAT = 1;

    private Version() {}

    /** The version of the jar, or "development" when run from classes. */
    public static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
