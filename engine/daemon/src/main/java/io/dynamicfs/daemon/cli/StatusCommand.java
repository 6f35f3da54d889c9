package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.control.v1.EngineControlGrpc.EngineControlBlockingStub;
import io.dynamicfs.control.v1.EngineInfo;
import io.dynamicfs.control.v1.GetEngineInfoRequest;
import io.dynamicfs.control.v1.ListMountsRequest;
import io.dynamicfs.control.v1.ListPoolsRequest;
import io.dynamicfs.control.v1.MountPoint;
import io.dynamicfs.control.v1.Pool;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;

@Command(
        name = "status",
        description = "The engine, its pools and its mounts at a glance. Exit code 7 when a pool is not healthy.",
        footer = {"", "Examples:", "  dynamicfs status", "  dynamicfs status -o json"})
final class StatusCommand extends ClientCommand {
    @Override
    ExitCode run(EngineControlBlockingStub engine) {
        EngineInfo info = engine.getEngineInfo(GetEngineInfoRequest.getDefaultInstance());
        List<Pool> pools =
                engine.listPools(ListPoolsRequest.getDefaultInstance()).getPoolsList();
        List<MountPoint> mounts =
                engine.listMounts(ListMountsRequest.getDefaultInstance()).getMountsList();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.set("engine", ProtoJson.of(info));
        json.set("pools", ProtoJson.of(pools));
        json.set("mounts", ProtoJson.of(mounts));
        print(json, out -> show(out, info, pools, mounts));
        boolean healthy = info.getFailedPoolsCount() == 0 && pools.stream().allMatch(Views::isHealthy);
        return healthy ? ExitCode.OK : ExitCode.DEGRADED;
    }

    private static void show(PrintWriter out, EngineInfo info, List<Pool> pools, List<MountPoint> mounts) {
        out.println("engine " + info.getVersion() + ", process " + info.getPid() + ", Java " + info.getJava()
                + ", BLAKE3 " + info.getHashKernel() + ", erasure " + info.getErasureKernel());
        out.println();
        Views.pools(out, pools);
        info.getFailedPoolsList()
                .forEach(failed -> out.println(
                        failed.getName() + ": was open before and could not be opened again: " + failed.getMessage()));
        out.println();
        Views.mounts(out, mounts);
    }
}
