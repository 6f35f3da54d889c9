package io.dynamicfs.csi.agent;

import static io.dynamicfs.csi.agent.AgentFixtures.engine;
import static io.dynamicfs.csi.agent.AgentFixtures.foreign;
import static io.dynamicfs.csi.agent.AgentFixtures.free;
import static io.dynamicfs.csi.agent.AgentFixtures.labelled;
import static io.dynamicfs.csi.agent.AgentFixtures.member;
import static io.dynamicfs.csi.agent.AgentFixtures.pool;
import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.csi.agent.EngineView.RefusedPool;
import io.dynamicfs.csi.agent.MemberStep.AddDisk;
import io.dynamicfs.csi.agent.MemberStep.Blocked;
import io.dynamicfs.csi.agent.MemberStep.ChangeRedundancy;
import io.dynamicfs.csi.agent.MemberStep.CreatePool;
import io.dynamicfs.csi.agent.MemberStep.Destroy;
import io.dynamicfs.csi.agent.MemberStep.LetGo;
import io.dynamicfs.csi.agent.MemberStep.Settled;
import io.dynamicfs.csi.agent.MemberStep.TakeBack;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemberStepTest {
    private static final EngineView NO_POOL = engine();

    @Test
    void aPoolIsMadeFromAllAssignedDisks() {
        MemberStep step = MemberStep.next(member("a", "b"), NO_POOL, Map.of("a", free("a"), "b", free("b")));

        assertThat(step)
                .isEqualTo(new CreatePool(
                        "tank", "4+2", List.of(Path.of("/dev/disk/by-id/a"), Path.of("/dev/disk/by-id/b"))));
    }

    @Test
    void aPoolIsNotMadeWhileADiskIsAbsent() {
        MemberStep step = MemberStep.next(member("a", "b"), NO_POOL, Map.of("a", free("a")));

        assertThat(step).isInstanceOf(Blocked.class).extracting("reason").isEqualTo("DiskNotFound");
    }

    @Test
    void aDiskThatGotContentSinceTheDecisionIsNotTaken() {
        MemberStep step = MemberStep.next(member("a"), NO_POOL, Map.of("a", foreign("a", "ext4")));

        assertThat(step)
                .isEqualTo(new Blocked(
                        "DiskNotEligible",
                        "expected an empty disk, found a, which carries ext4; wipe it if that is not needed"));
    }

    @Test
    void aDiskOfAnotherPoolIsNotTaken() {
        MemberStep step = MemberStep.next(member("a"), NO_POOL, Map.of("a", labelled("a", 0)));

        assertThat(step).isInstanceOf(Blocked.class).extracting("reason").isEqualTo("DiskNotEligible");
    }

    @Test
    void noNewPoolReplacesOneWhoseDisksAreAllGone() {
        StoragePoolMember member = member("a");
        member.setStatus(
                new StoragePoolMemberStatus().setPoolId(AgentFixtures.POOL_ID).setPhase(MemberPhase.Open));

        MemberStep step = MemberStep.next(member, NO_POOL, Map.of("a", free("a")));

        assertThat(step).isInstanceOf(Blocked.class).extracting("reason").isEqualTo("PoolMissing");
    }

    @Test
    void aPoolThatTheEngineRefusedIsNotMadeAgain() {
        EngineView refusing = new EngineView(
                "", "1", List.of(), List.of(new RefusedPool("tank", AgentFixtures.POOL_ID, "too few disks")));

        MemberStep step = MemberStep.next(member("a"), refusing, Map.of("a", free("a")));

        assertThat(step).isEqualTo(new Blocked("PoolNotOpen", "too few disks"));
    }

    @Test
    void anAssignedFreeDiskIsAddedToTheOpenPool() {
        MemberStep step =
                MemberStep.next(member("a", "b"), engine(pool(1, 0)), Map.of("a", labelled("a", 0), "b", free("b")));

        assertThat(step).isEqualTo(new AddDisk(AgentFixtures.POOL_ID, Path.of("/dev/disk/by-id/b")));
    }

    @Test
    void aDiskThatIsNotAssignedIsLeftAlone() {
        MemberStep step =
                MemberStep.next(member("a"), engine(pool(1, 0)), Map.of("a", labelled("a", 0), "b", free("b")));

        assertThat(step).isEqualTo(new Settled());
    }

    @Test
    void anotherRedundancyIsSet() {
        StoragePoolMember member = member();
        member.getSpec().setRedundancy("3x");

        MemberStep step = MemberStep.next(member, engine(pool(6, 0)), Map.of());

        assertThat(step).isEqualTo(new ChangeRedundancy(AgentFixtures.POOL_ID, "3x"));
    }

    @Test
    void aRetainedPoolIsMarkedOnce() {
        StoragePoolMember member = member();
        member.getSpec().setRelease(Release.Retain);

        assertThat(MemberStep.next(member, engine(pool(6, 0)), Map.of())).isEqualTo(new LetGo(AgentFixtures.POOL_ID));
        assertThat(MemberStep.next(member, engine(letGo()), Map.of())).isEqualTo(new Settled());
    }

    @Test
    void aStoragePoolThatNamesARetainedPoolTakesItBack() {
        assertThat(MemberStep.next(member(), engine(letGo()), Map.of())).isEqualTo(new TakeBack(AgentFixtures.POOL_ID));
    }

    @Test
    void aPoolIsWipedOnlyWhenNothingOfItIsMounted() {
        StoragePoolMember member = member();
        member.getSpec().setRelease(Release.Wipe);

        assertThat(MemberStep.next(member, engine(pool(6, 0).setMounts(2)), Map.of()))
                .isInstanceOf(Blocked.class)
                .extracting("reason")
                .isEqualTo("VolumesMounted");
        assertThat(MemberStep.next(member, engine(pool(6, 0)), Map.of()))
                .isEqualTo(new Destroy(AgentFixtures.POOL_ID, "tank"));
        assertThat(MemberStep.next(member, NO_POOL, Map.of())).isEqualTo(new Settled());
    }

    private static io.dynamicfs.control.v1.Pool.Builder letGo() {
        return pool(6, 0).putNotes(MemberStep.DO_NOT_ADOPT, "true");
    }
}
