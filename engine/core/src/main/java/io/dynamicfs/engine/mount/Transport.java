package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.PosixVolume;
import java.util.concurrent.ThreadFactory;

/** The way on which a volume is mounted and the kernel's requests reach it. */
public interface Transport {
    /** Our own: mount(2) and the kernel's protocol on /dev/fuse. */
    Transport KERNEL = VolumeMount::mount;

    /**
     * Mounts {@code volume} and starts serving it. {@code onEnd} is called once when a successful mount has ended, by
     * {@link Mount#unmount} or by anybody else; the volume is not used any more then.
     */
    Mount mount(PosixVolume volume, VolumeMount.Spec spec, ThreadFactory threads, Runnable onEnd) throws MountException;
}
