package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Timestamp;

/** Which accesses change the time of access, as the mount options of these names have it. */
public enum AccessTimes {
    NEVER,

    /** Linux's default: when the file has changed since the last access, and otherwise once a day. */
    RELATIVE,

    ALWAYS;

    private static final long DAY_SECONDS = 24 * 60 * 60;

    boolean changes(Attributes file, Timestamp now) {
        return switch (this) {
            case NEVER -> false;
            case ALWAYS -> true;
            case RELATIVE ->
                !NamespaceReader.isLater(file.accessed(), file.modified())
                        || !NamespaceReader.isLater(file.accessed(), file.changed())
                        || now.seconds() - file.accessed().seconds() >= DAY_SECONDS;
        };
    }
}
