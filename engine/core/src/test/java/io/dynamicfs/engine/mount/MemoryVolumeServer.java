package io.dynamicfs.engine.mount;

import io.dynamicfs.engine.fs.MemoryVolume;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;

/** A process that serves a volume in memory at the directory named, over the transport of the class named, until its input ends. */
public final class MemoryVolumeServer {
    private static final long VOLUME_BYTES = 8L << 30;

    private MemoryVolumeServer() {}

    public static void main(String[] arguments) throws Exception {
        MemoryVolume volume = new MemoryVolume(InstantSource.system(), VOLUME_BYTES);
        VolumeMount.Spec spec = new VolumeMount.Spec(
                "memory/served",
                Path.of(arguments[0]),
                Set.of(),
                ProcessHandle.current().pid(),
                VolumeMount.Spec.READERS_DEFAULT);
        String other = arguments.length > 1 ? arguments[1] : "";
        Transport transport = other.isEmpty()
                ? Transport.KERNEL
                : Class.forName(other)
                        .asSubclass(Transport.class)
                        .getConstructor()
                        .newInstance();
        Mount mount = transport.mount(
                volume, spec, Thread.ofPlatform().name("fuse-", 0).factory(), () -> {});
        System.out.println("mounted");
        System.in.transferTo(OutputStream.nullOutputStream());
        mount.unmount(VolumeMount.Unmount.LAZILY, Duration.ofSeconds(10));
    }
}
