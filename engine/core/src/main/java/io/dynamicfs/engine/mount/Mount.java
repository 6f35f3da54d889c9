package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.mount.VolumeMount.Unmount;
import java.nio.file.Path;
import java.time.Duration;

/** A volume that is mounted at a directory and served by threads of this process, over whichever {@link Transport}. */
public interface Mount {
    /** Without symbolic links. */
    Path directory();

    /** Whether the mount is gone for good, whoever ended it. */
    boolean hasEnded();

    /** Whether the mount ended within {@code timeout}. */
    boolean awaitEnd(Duration timeout) throws InterruptedException;

    /**
     * Unmounts the volume and waits up to {@code timeout} for the threads that serve it. False when it is detached and still in
     * use: the end is told later. A mount that has ended already is fine.
     */
    boolean unmount(Unmount how, Duration timeout) throws MountException, InterruptedException;
}
