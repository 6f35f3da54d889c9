package io.dynamicfs.daemon;

import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.CreateVolumeRequest;
import io.dynamicfs.control.v1.Negotiated;
import io.dynamicfs.control.v1.OpenPoolRequest;
import io.dynamicfs.control.v1.ServeRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A mounted volume whose engine may die: a keeper holds its mount, and the next engine takes over. */
final class KeptVolume implements AutoCloseable {
    private static final int ROOT = 0;

    private final EngineUnderTest engine;
    private final KeeperUnderTest keeper;
    private final String socket;
    private final List<String> disks;
    private final Path mount;
    private final String connection;
    private final Negotiated negotiated;
    private int takeovers;

    /** Makes a pool of six disks with one volume and mounts that. */
    KeptVolume(EngineUnderTest engine, Path directory, long diskBytes) throws IOException, InterruptedException {
        this.engine = engine;
        this.socket = directory.resolve("keeper.sock").toString();
        this.keeper = new KeeperUnderTest(Path.of(socket), ROOT);
        this.disks = List.of(engine.loopDevices(6, diskBytes).split(" ", -1));
        this.mount = Files.createDirectory(directory.resolve("mnt-kept"));
        startEngine();
        engine.control()
                .createPool(CreatePoolRequest.newBuilder()
                        .setName("tank")
                        .addAllDisks(disks)
                        .setRedundancy("4+2")
                        .build());
        engine.control()
                .createVolume(CreateVolumeRequest.newBuilder()
                        .setPool("tank")
                        .setName("v")
                        .build());
        connection = keeper.mount("tank/v", mount);
        engine.alsoUnmount(mount);
        negotiated = serve(null);
    }

    Path mount() {
        return mount;
    }

    int takeovers() {
        return takeovers;
    }

    /** SIGKILL to the engine, and another one in its place. */
    void killAndTakeOver() throws IOException, InterruptedException {
        engine.kill();
        startEngine();
        engine.control()
                .openPool(OpenPoolRequest.newBuilder()
                        .setPool("tank")
                        .addAllDisks(disks)
                        .build());
        serve(negotiated);
        takeovers++;
    }

    private void startEngine() throws IOException, InterruptedException {
        engine.start("--keeper", socket);
    }

    private Negotiated serve(@Nullable Negotiated resume) {
        ServeRequest.Builder request = ServeRequest.newBuilder()
                .setPool("tank")
                .setVolume("v")
                .setConnection(connection)
                .setMountPoint(mount.toString());
        if (resume != null) {
            request.setResume(resume);
        }
        return engine.control().serve(request.build()).getNegotiated();
    }

    /** Cleans the engine's machine, too: nobody may wait for a mount whose descriptor is closed. */
    @Override
    public void close() throws IOException {
        try {
            try {
                engine.clean();
            } finally {
                keeper.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the engine's machine was cleaned", e);
        }
    }
}
