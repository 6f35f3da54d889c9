package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.AddDiskRequest;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.ProbeDisksRequest;
import io.dynamicfs.control.v1.ProbedDisk;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "disk",
        description = "Disks: what they hold, and adding them to pools.",
        subcommands = {DiskCommand.Add.class, DiskCommand.ListDisks.class})
@SuppressWarnings("NullAway.Init")
final class DiskCommand extends CommandGroup {

    @Command(
            name = "add",
            description = "Adds an unused disk to an open pool.",
            footer = {
                "",
                "Examples:",
                "  dynamicfs disk add tank /dev/sdh",
                "  dynamicfs disk add tank --overwrite ext4 /dev/sdh"
            })
    static final class Add extends ClientCommand {
        @Parameters(index = "0", paramLabel = "POOL", description = "Name or id.")
        private String pool;

        @Parameters(index = "1", paramLabel = "DISK", description = "A block device or an image file.")
        private Path disk;

        @Option(
                names = "--overwrite",
                paramLabel = "SIGNATURE",
                description = "Content that may be destroyed: a signature as disk list names it, or another pool's id.")
        private List<String> overwrite = List.of();

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Disk added = engine.addDisk(AddDiskRequest.newBuilder()
                    .setPool(pool)
                    .setDisk(Paths.absolute(disk))
                    .addAllOverwriteSignatures(overwrite)
                    .build());
            print(ProtoJson.of(added), out -> {
                out.println("Added.");
                Views.disks(out, List.of(added));
            });
            return ExitCode.OK;
        }
    }

    @Command(
            name = "list",
            description = "What disks hold. Changes nothing.",
            footer = {"", "Examples:", "  dynamicfs disk list", "  dynamicfs disk list a.img b.img -o json"})
    static final class ListDisks extends ClientCommand {
        @Parameters(
                arity = "0..*",
                paramLabel = "DISK",
                description = "Block devices or image files. Without: every block device of this machine.")
        private List<Path> disks = List.of();

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            List<ProbedDisk> probed = engine.probeDisks(ProbeDisksRequest.newBuilder()
                            .addAllDisks(Paths.absolute(disks))
                            .build())
                    .getDisksList();
            print(ProtoJson.of(probed), out -> Views.probed(out, probed));
            return ExitCode.OK;
        }
    }
}
