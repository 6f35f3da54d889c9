package io.dynamicfs.engine.fuse;

/** What the kernel knows about a node: {@code mode} with type bits, {@code rdev} in the kernel's encoding, 512-byte blocks. */
public record NodeAttributes(
        long node,
        int mode,
        int links,
        int uid,
        int gid,
        int rdev,
        long size,
        long blocks,
        FuseTime accessed,
        FuseTime modified,
        FuseTime changed,
        FuseTime born) {}
