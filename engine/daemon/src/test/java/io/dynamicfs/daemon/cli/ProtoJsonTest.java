package io.dynamicfs.daemon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.control.v1.Disk;
import io.dynamicfs.control.v1.DiskHealth;
import io.dynamicfs.control.v1.Pool;
import io.dynamicfs.control.v1.PoolState;
import io.dynamicfs.control.v1.SetVolumeRequest;
import org.junit.jupiter.api.Test;

class ProtoJsonTest {
    @Test
    void hasEveryFieldUnderItsCamelCaseNameAndNumbersAsNumbers() {
        ObjectNode json = ProtoJson.of(Pool.newBuilder()
                .setName("tank")
                .setState(PoolState.POOL_STATE_READ_ONLY)
                .setUsedBytes(1L << 40)
                .addDisks(Disk.newBuilder().setIndex(3).setHealth(DiskHealth.DISK_HEALTH_FAILED))
                .build());
        assertThat(json.get("name").textValue()).isEqualTo("tank");
        assertThat(json.get("state").textValue()).isEqualTo("read-only");
        assertThat(json.get("usedBytes").isNumber()).isTrue();
        assertThat(json.get("usedBytes").longValue()).isEqualTo(1L << 40);
        assertThat(json.get("mounts").intValue()).isZero();
        assertThat(json.get("disks").get(0).get("health").textValue()).isEqualTo("failed");
        assertThat(json.size()).isEqualTo(Pool.getDescriptor().getFields().size());
    }

    @Test
    void showsAbsentOptionalFieldsAsNull() {
        ObjectNode json =
                ProtoJson.of(SetVolumeRequest.newBuilder().setQuotaBytes(0).build());
        assertThat(json.get("quotaBytes").longValue()).isZero();
        assertThat(json.get("quotaInodes").isNull()).isTrue();
    }
}
