package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.crd.v1alpha1.Release;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import java.util.List;
import org.junit.jupiter.api.Test;

class MembersTest {
    private final Fixtures cluster = Fixtures.twoNodes();
    private final StoragePool pool = Fixtures.pool();

    @Test
    void eachNodeWithDisksGetsOne() {
        List<StoragePoolMember> members = desired();

        assertThat(members)
                .extracting(member -> member.getMetadata().getName())
                .containsExactly("tank-node-1", "tank-node-2");
        assertThat(members.getFirst().getSpec().getDisks())
                .containsExactly("node-1-a", "node-1-b", "node-1-c", "node-1-d", "node-1-e", "node-1-f");
        assertThat(members.getFirst().getSpec().getRedundancy()).isEqualTo("4+2");
        assertThat(members.getFirst().getSpec().getRelease()).isEqualTo(Release.None);
        assertThat(members.getFirst().getMetadata().getOwnerReferences())
                .singleElement()
                .satisfies(owner -> assertThat(owner.getUid()).isEqualTo("uid-of-tank"));
    }

    @Test
    void oneThatIsAsWishedIsNotWrittenAgain() {
        List<StoragePoolMember> members = desired();
        assertThat(Members.isSame(members.getFirst(), cluster.view())).isFalse();

        cluster.members.addAll(members);

        assertThat(desired()).allMatch(member -> Members.isSame(member, cluster.view()));
    }

    @Test
    void aPoolDoesNotShrinkWhenItsDisksAreNotReported() {
        cluster.open("node-1");
        cluster.disks.clear();

        assertThat(desired())
                .singleElement()
                .satisfies(member -> assertThat(member.getSpec().getDisks()).hasSize(6));
    }

    @Test
    void twoMembersNeverShareAName() {
        StoragePoolMember other = Fixtures.member("1", List.of());
        other.getMetadata().setName("tank-node-1");
        other.getSpec().setStoragePool("tank-node");
        cluster.members.add(other);

        assertThat(desired())
                .extracting(member -> member.getMetadata().getName())
                .doesNotContain("tank-node-1")
                .hasSize(2);
    }

    private List<StoragePoolMember> desired() {
        return Members.desired(pool, Claims.desired(pool, cluster.view()), cluster.view());
    }
}
