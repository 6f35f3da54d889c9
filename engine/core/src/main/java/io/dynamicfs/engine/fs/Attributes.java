package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Timestamp;

/** What stat(2) shows. {@code mode} holds the type bits too; {@code blocks} counts 512-byte units of stored file data. */
public record Attributes(
        long inode,
        int mode,
        int links,
        int uid,
        int gid,
        int rdev,
        long size,
        long blocks,
        Timestamp accessed,
        Timestamp modified,
        Timestamp changed,
        Timestamp born) {

    Attributes withAccessed(Timestamp time) {
        return new Attributes(inode, mode, links, uid, gid, rdev, size, blocks, time, modified, changed, born);
    }
}
