package io.dynamicfs.engine.device;

import io.dynamicfs.engine.syscall.DeviceNumber;

/** What stays the same when one disk is named in two ways (symbolic link, by-id name, hard link). */
public sealed interface DeviceKey {

    record Block(DeviceNumber device) implements DeviceKey {}

    record Image(DeviceNumber fileSystem, long inode) implements DeviceKey {}
}
