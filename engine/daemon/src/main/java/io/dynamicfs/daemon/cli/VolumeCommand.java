package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.CreateVolumeRequest;
import io.dynamicfs.control.v1.DeleteVolumeRequest;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.ListVolumesRequest;
import io.dynamicfs.control.v1.SetVolumeRequest;
import io.dynamicfs.control.v1.Volume;
import io.dynamicfs.engine.format.Redundancy;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "volume",
        description = "Volumes: the file systems in a pool, each with its own mount.",
        subcommands = {
            VolumeCommand.Create.class,
            VolumeCommand.ListVolumes.class,
            VolumeCommand.Set.class,
            VolumeCommand.Delete.class
        })
@SuppressWarnings("NullAway.Init")
final class VolumeCommand extends CommandGroup {

    @Command(
            name = "create",
            description = "Makes an empty volume.",
            footer = {
                "",
                "Examples:",
                "  dynamicfs volume create tank/home --quota 100G",
                "  dynamicfs volume create tank/db --redundancy 3x"
            })
    static final class Create extends ClientCommand {
        @Parameters(
                paramLabel = "POOL/VOLUME",
                converter = VolumeName.Converter.class,
                description = "What it is called.")
        private VolumeName name;

        @Option(
                names = "--quota",
                defaultValue = "none",
                paramLabel = "SIZE",
                converter = SizeConverter.class,
                description = "Most bytes it may hold, such as 10G. Default: none.")
        private Long quotaBytes;

        @Option(
                names = "--files",
                defaultValue = "0",
                paramLabel = "COUNT",
                description = "Most files and directories it may hold; 0 is no limit.")
        private long quotaInodes;

        @Option(
                names = "--redundancy",
                paramLabel = "POLICY",
                converter = RedundancyConverter.class,
                description = "Copies 1x-5x or Reed-Solomon k+m. Default: the pool's.")
        private @Nullable Redundancy redundancy;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Volume volume = engine.createVolume(CreateVolumeRequest.newBuilder()
                    .setPool(name.pool())
                    .setName(name.volume())
                    .setQuotaBytes(quotaBytes)
                    .setQuotaInodes(quotaInodes)
                    .setRedundancy(redundancy == null ? "" : redundancy.toString())
                    .build());
            print(ProtoJson.of(volume), out -> {
                out.println("Created.");
                Views.volumes(out, List.of(volume));
            });
            return ExitCode.OK;
        }
    }

    @Command(
            name = "list",
            description = "The volumes of one or all open pools.",
            footer = {"", "Examples:", "  dynamicfs volume list", "  dynamicfs volume list tank -o json"})
    static final class ListVolumes extends ClientCommand {
        @Parameters(
                arity = "0..1",
                defaultValue = "",
                paramLabel = "POOL",
                description = "Name or id. Without: all pools.")
        private String pool;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            List<Volume> volumes = engine.listVolumes(
                            ListVolumesRequest.newBuilder().setPool(pool).build())
                    .getVolumesList();
            print(ProtoJson.of(volumes), out -> Views.volumes(out, volumes));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "set",
            description = "Changes a volume's settings. Redundancy holds for what is written from now on.",
            footer = {
                "",
                "Examples:",
                "  dynamicfs volume set tank/home --quota 200G",
                "  dynamicfs volume set tank/home --quota none --redundancy 3x"
            })
    static final class Set extends ClientCommand {
        @Parameters(paramLabel = "POOL/VOLUME", converter = VolumeName.Converter.class, description = "Which volume.")
        private VolumeName name;

        @Option(
                names = "--quota",
                paramLabel = "SIZE",
                converter = SizeConverter.class,
                description = "Most bytes it may hold, or none.")
        private @Nullable Long quotaBytes;

        @Option(names = "--files", paramLabel = "COUNT", description = "Most files and directories; 0 is no limit.")
        private @Nullable Long quotaInodes;

        @Option(
                names = "--redundancy",
                paramLabel = "POLICY",
                converter = RedundancyConverter.class,
                description = "Copies 1x-5x or Reed-Solomon k+m.")
        private @Nullable Redundancy redundancy;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            SetVolumeRequest.Builder request =
                    SetVolumeRequest.newBuilder().setPool(name.pool()).setName(name.volume());
            if (quotaBytes != null) {
                request.setQuotaBytes(quotaBytes);
            }
            if (quotaInodes != null) {
                request.setQuotaInodes(quotaInodes);
            }
            if (redundancy != null) {
                request.setRedundancy(redundancy.toString());
            }
            Volume volume = engine.setVolume(request.build());
            print(ProtoJson.of(volume), out -> Views.volumes(out, List.of(volume)));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "delete",
            description = "Deletes a volume with all its files. Nothing brings them back.",
            footer = {"", "Examples:", "  dynamicfs volume delete tank/old", "  dynamicfs volume delete tank/old --yes"
            })
    static final class Delete extends ClientCommand {
        @Parameters(paramLabel = "POOL/VOLUME", converter = VolumeName.Converter.class, description = "Which volume.")
        private VolumeName name;

        @Option(names = "--yes", description = "Do not ask for the name.")
        private boolean yes;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Confirmation.ask(yes, "Deleting volume " + name, name.volume());
            engine.deleteVolume(DeleteVolumeRequest.newBuilder()
                    .setPool(name.pool())
                    .setName(name.volume())
                    .setConfirmName(name.volume())
                    .build());
            print(Done.json("deleted", name.toString()), out -> out.println("Deleted volume " + name + "."));
            return ExitCode.OK;
        }
    }
}
