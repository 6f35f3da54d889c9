package io.dynamicfs.engine.fuse;

import org.jspecify.annotations.Nullable;

/**
 * What a SETATTR changes; null leaves a value as it is. Times "now" carry the kernel's own clock. With
 * {@code killPrivileges} a new size also takes the set-user-id and set-group-id bits and the capabilities away.
 */
public record NodeChange(
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable FuseTime accessed,
        @Nullable FuseTime modified,
        boolean killPrivileges) {

    public boolean isEmpty() {
        return mode == null && uid == null && gid == null && size == null && accessed == null && modified == null;
    }
}
