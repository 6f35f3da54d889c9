package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.device.DeviceOpenException;
import io.dynamicfs.engine.device.LinuxBlockDevice;
import io.dynamicfs.engine.device.LinuxBlockDevice.Mode;
import io.dynamicfs.engine.fuse.Negotiated;
import java.nio.file.Path;

/**
 * The privileged process beside an engine that has no rights of its own: it opens disks, mounts, and holds a copy of every FUSE
 * descriptor, so that a mount outlives the engine that serves it.
 */
public interface Keeper {

    /** A mount as the keeper remembers it. */
    record Connection(long id, String pool, String volume, Negotiated negotiated) {}

    LinuxBlockDevice openDevice(Path path, Mode mode) throws DeviceOpenException;

    /** A descriptor of the connection, which the caller owns. */
    int takeConnection(long connection) throws EngineException;

    /** Gives the keeper a copy of {@code descriptor}, for one that has been restarted. */
    void keepConnection(Connection connection, int descriptor) throws EngineException;
}
