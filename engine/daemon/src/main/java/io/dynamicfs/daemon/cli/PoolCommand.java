package io.dynamicfs.daemon.cli;

import io.dynamicfs.control.v1.Capacity;
import io.dynamicfs.control.v1.ClosePoolRequest;
import io.dynamicfs.control.v1.CreatePoolRequest;
import io.dynamicfs.control.v1.DestroyPoolRequest;
import io.dynamicfs.control.v1.DestroyPoolResponse;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.GetCapacityRequest;
import io.dynamicfs.control.v1.GetPoolRequest;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.OpenPoolRequest;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.SetPoolRequest;
import io.dynamicfs.engine.format.Redundancy;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "pool",
        description = "Storage pools: disks that keep data together.",
        subcommands = {
            PoolCommand.Create.class,
            PoolCommand.Status.class,
            PoolCommand.ListPools.class,
            PoolCommand.SetPool.class,
            PoolCommand.Open.class,
            PoolCommand.Close.class,
            PoolCommand.Destroy.class
        })
@SuppressWarnings("NullAway.Init")
final class PoolCommand extends CommandGroup {

    @Command(
            name = "create",
            description = "Makes a pool of unused disks (block devices or image files).",
            footer = {
                "",
                "Examples:",
                "  dynamicfs pool create tank --redundancy 4+2 /dev/sd[b-g]",
                "  dynamicfs pool create small --redundancy 3x a.img b.img c.img",
                "  dynamicfs pool create tank --overwrite ext4 /dev/sd[b-g]"
            })
    static final class Create extends ClientCommand {
        @Parameters(index = "0", paramLabel = "NAME", description = "What the pool is called.")
        private String name;

        @Parameters(
                index = "1..*",
                arity = "1..*",
                paramLabel = "DISK",
                description = "A block device or an image file.")
        private List<Path> disks;

        @Option(
                names = "--redundancy",
                defaultValue = "3x",
                paramLabel = "POLICY",
                converter = RedundancyConverter.class,
                description =
                        "What volumes get that name none: copies 1x-5x or Reed-Solomon k+m. Default: ${DEFAULT-VALUE}.")
        private Redundancy redundancy;

        @Option(
                names = "--overwrite",
                paramLabel = "SIGNATURE",
                description = "Content that may be destroyed: a signature as disk list names it, or another pool's id.")
        private List<String> overwrite = List.of();

        @Option(names = "--no-verify", description = "Do not read back what was written before a commit.")
        private boolean noVerify;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Pool pool = engine.createPool(CreatePoolRequest.newBuilder()
                    .setName(name)
                    .addAllDisks(Paths.absolute(disks))
                    .setRedundancy(redundancy.toString())
                    .setSkipWriteVerification(noVerify)
                    .addAllOverwriteSignatures(overwrite)
                    .build());
            print(ProtoJson.of(pool), out -> {
                out.println("Created.");
                Views.pools(out, List.of(pool));
            });
            return ExitCode.OK;
        }
    }

    @Command(
            name = "status",
            description = "Everything about one open pool. Exit code 7 when it is not healthy.",
            footer = {"", "Examples:", "  dynamicfs pool status tank", "  dynamicfs pool status tank -o json"})
    static final class Status extends ClientCommand {
        @Parameters(paramLabel = "POOL", description = "Name or id.")
        private String name;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Pool pool = engine.getPool(GetPoolRequest.newBuilder().setPool(name).build());
            Capacity capacity = engine.getCapacity(
                    GetCapacityRequest.newBuilder().setPool(pool.getId()).build());
            print(ProtoJson.of(pool), out -> Views.pool(out, pool, capacity));
            return Views.isHealthy(pool) ? ExitCode.OK : ExitCode.DEGRADED;
        }
    }

    @Command(
            name = "set",
            description = "Changes the redundancy of what is written from now on to volumes that name none.",
            footer = {"", "Example:", "  dynamicfs pool set tank --redundancy 2x"})
    static final class SetPool extends ClientCommand {
        @Parameters(paramLabel = "POOL", description = "Name or id.")
        private String name;

        @Option(
                names = "--redundancy",
                required = true,
                paramLabel = "POLICY",
                converter = RedundancyConverter.class,
                description = "Copies 1x-5x or Reed-Solomon k+m.")
        private Redundancy redundancy;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Pool pool = engine.setPool(SetPoolRequest.newBuilder()
                    .setPool(name)
                    .setRedundancy(redundancy.toString())
                    .build());
            print(ProtoJson.of(pool), out -> Views.pools(out, List.of(pool)));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "list",
            description = "The open pools.",
            footer = {"", "Example:", "  dynamicfs pool list"})
    static final class ListPools extends ClientCommand {
        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            List<Pool> pools =
                    engine.listPools(ListPoolsRequest.getDefaultInstance()).getPoolsList();
            print(ProtoJson.of(pools), out -> Views.pools(out, pools));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "open",
            description = "Opens a pool that was made before. Exit code 7 when it is not healthy.",
            footer = {
                "",
                "Examples:",
                "  dynamicfs pool open tank",
                "  dynamicfs pool open tank /dev/sd[b-g]",
                "  dynamicfs pool open tank --degraded /dev/sd[b-d]"
            })
    static final class Open extends ClientCommand {
        @Parameters(index = "0", paramLabel = "POOL", description = "Name or id.")
        private String name;

        @Parameters(
                index = "1..*",
                arity = "0..*",
                paramLabel = "DISK",
                description = "Its disks. Without: every block device of this machine is looked at.")
        private List<Path> disks = List.of();

        @Option(
                names = "--degraded",
                description = "Open although so many disks are missing that they might know something newer.")
        private boolean degraded;

        @Option(
                names = "--accept-rollback",
                paramLabel = "GENERATION",
                description = "Go back to this generation although newer ones were durable.")
        private @Nullable Long acceptRollback;

        @Option(names = "--read-only", description = "Change nothing on the disks.")
        private boolean readOnly;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            OpenPoolRequest.Builder request = OpenPoolRequest.newBuilder()
                    .setPool(name)
                    .addAllDisks(Paths.absolute(disks))
                    .setDegraded(degraded)
                    .setReadOnly(readOnly);
            if (acceptRollback != null) {
                request.setAcceptRollback(acceptRollback);
            }
            Pool pool = engine.openPool(request.build());
            print(ProtoJson.of(pool), out -> Views.pools(out, List.of(pool)));
            return Views.isHealthy(pool) ? ExitCode.OK : ExitCode.DEGRADED;
        }
    }

    @Command(
            name = "close",
            description = "Commits everything and lets go of the disks. Volumes have to be unmounted.",
            footer = {"", "Example:", "  dynamicfs pool close tank"})
    static final class Close extends ClientCommand {
        @Parameters(paramLabel = "POOL", description = "Name or id.")
        private String name;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            engine.closePool(ClosePoolRequest.newBuilder().setPool(name).build());
            print(Done.json("closed", name), out -> out.println("Closed pool " + name + "."));
            return ExitCode.OK;
        }
    }

    @Command(
            name = "destroy",
            description = "Closes a pool and erases it from its disks. Nothing brings the data back.",
            footer = {"", "Examples:", "  dynamicfs pool destroy tank", "  dynamicfs pool destroy tank --yes"})
    static final class Destroy extends ClientCommand {
        @Parameters(paramLabel = "POOL", description = "The pool's name.")
        private String name;

        @Option(names = "--yes", description = "Do not ask for the name.")
        private boolean yes;

        @Override
        ExitCode run(EngineControlBlockingStub engine) {
            Pool pool = engine.getPool(GetPoolRequest.newBuilder().setPool(name).build());
            Confirmation.ask(yes, "Destroying pool " + pool.getName(), pool.getName());
            DestroyPoolResponse response = engine.destroyPool(DestroyPoolRequest.newBuilder()
                    .setPool(pool.getId())
                    .setConfirmName(pool.getName())
                    .build());
            print(
                    ProtoJson.of(response),
                    out -> out.println("Destroyed pool " + pool.getName() + "; erased "
                            + String.join(", ", response.getErasedDisksList()) + "."));
            return ExitCode.OK;
        }
    }
}
