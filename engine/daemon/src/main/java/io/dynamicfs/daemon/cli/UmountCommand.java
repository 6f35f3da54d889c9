package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.UnmountRequest;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "umount",
        description = "Unmounts a volume. umount(8) does the same.",
        footer = {"", "Examples:", "  dynamicfs umount /mnt/home", "  dynamicfs umount --force /mnt/home"})
@SuppressWarnings("NullAway.Init")
final class UmountCommand extends ClientCommand {
    @Parameters(paramLabel = "DIRECTORY", description = "Where it is mounted.")
    private Path directory;

    @Option(names = "--force", description = "Detach it although files are open; they get errors afterwards.")
    private boolean force;

    @Override
    ExitCode run(EngineControlBlockingStub engine) {
        String path = Paths.absolute(directory);
        engine.unmount(
                UnmountRequest.newBuilder().setMountPoint(path).setForce(force).build());
        print(Done.json("unmounted", path), out -> out.println("Unmounted " + path + "."));
        return ExitCode.OK;
    }
}
