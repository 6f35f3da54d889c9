package io.dynamicfs.csi;

import io.dynamicfs.csi.engine.EngineLink;
import io.dynamicfs.csi.keeper.Keeper;
import java.util.Map;

/** The plugin's figures in Prometheus' text format. */
final class Metrics {
    private Metrics() {}

    /** {@code calls} counts by "method code". */
    static String text(Map<String, Long> calls, EngineLink.Phase phase, Keeper keeper) {
        StringBuilder text = new StringBuilder();
        text.append("# TYPE dynamicfs_csi_calls_total counter\n");
        calls.forEach((key, count) -> {
            int space = key.indexOf(' ');
            text.append("dynamicfs_csi_calls_total{method=\"")
                    .append(key, 0, space)
                    .append("\",code=\"")
                    .append(key, space + 1, key.length())
                    .append("\"} ")
                    .append(count)
                    .append('\n');
        });
        text.append("# TYPE dynamicfs_csi_engine_ready gauge\n")
                .append("dynamicfs_csi_engine_ready ")
                .append(phase == EngineLink.Phase.READY ? 1 : 0)
                .append('\n');
        text.append("# TYPE dynamicfs_csi_connections gauge\n")
                .append("dynamicfs_csi_connections ")
                .append(keeper.connections().size())
                .append('\n');
        return text.toString();
    }
}
