package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.MountRequest;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "mount",
        description = "Mounts a volume at an empty directory.",
        footer = {
            "",
            "Examples:",
            "  dynamicfs mount tank/home /mnt/home",
            "  dynamicfs mount --read-only tank/home /mnt/home",
            "  dynamicfs mount --options noatime,nosuid tank/home /mnt/home"
        })
@SuppressWarnings("NullAway.Init")
final class MountCommand extends ClientCommand {
    @Parameters(
            index = "0",
            paramLabel = "POOL/VOLUME",
            converter = VolumeName.Converter.class,
            description = "Which volume.")
    private VolumeName name;

    @Parameters(index = "1", paramLabel = "DIRECTORY", description = "Where; it must exist and be empty.")
    private Path directory;

    @Option(names = "--read-only", description = "Nothing can be changed through this mount.")
    private boolean readOnly;

    @Option(
            names = "--options",
            split = ",",
            paramLabel = "OPTION",
            description = "As with mount(8): noatime, nodiratime, strictatime, nosuid, nodev, noexec, ro.")
    private List<String> options = List.of();

    @Override
    ExitCode run(EngineControlBlockingStub engine) {
        MountPoint mount = engine.mount(MountRequest.newBuilder()
                .setPool(name.pool())
                .setVolume(name.volume())
                .setMountPoint(Paths.absolute(directory))
                .setReadOnly(readOnly)
                .addAllOptions(options)
                .build());
        print(ProtoJson.of(mount), out -> Views.mounts(out, List.of(mount)));
        return ExitCode.OK;
    }
}
