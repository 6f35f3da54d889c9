package io.dynamicfs.operator;

import io.dynamicfs.crd.v1alpha1.CapacityBytes;
import io.dynamicfs.crd.v1alpha1.Disk;
import io.dynamicfs.crd.v1alpha1.DiskCounts;
import io.dynamicfs.crd.v1alpha1.DiskSelector;
import io.dynamicfs.crd.v1alpha1.DiskSpec;
import io.dynamicfs.crd.v1alpha1.DiskStatus;
import io.dynamicfs.crd.v1alpha1.DynamicfsApi;
import io.dynamicfs.crd.v1alpha1.ForeignContent;
import io.dynamicfs.crd.v1alpha1.ListedDevice;
import io.dynamicfs.crd.v1alpha1.MemberPhase;
import io.dynamicfs.crd.v1alpha1.PoolDisks;
import io.dynamicfs.crd.v1alpha1.PoolRedundancy;
import io.dynamicfs.crd.v1alpha1.StoragePool;
import io.dynamicfs.crd.v1alpha1.StoragePoolMember;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberSpec;
import io.dynamicfs.crd.v1alpha1.StoragePoolMemberStatus;
import io.dynamicfs.crd.v1alpha1.StoragePoolSpec;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.api.model.storage.VolumeAttachment;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A cluster that a test puts together. */
final class Fixtures {
    static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
    static final String POOL_ID = "6f0cb2a3-0000-4000-8000-000000000001";
    static final long GIB = 1L << 30;

    final List<StoragePoolMember> members = new ArrayList<>();
    final List<Disk> disks = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
    final List<StorageClass> storageClasses = new ArrayList<>();
    final List<PersistentVolume> volumes = new ArrayList<>();
    final List<VolumeAttachment> attachments = new ArrayList<>();

    /** Two nodes with six free disks each, node-1-a to node-2-f. */
    static Fixtures twoNodes() {
        Fixtures cluster = new Fixtures();
        for (String node : List.of("node-1", "node-2")) {
            cluster.node(node, Map.of("kubernetes.io/hostname", node));
            for (String letter : List.of("a", "b", "c", "d", "e", "f")) {
                cluster.disks.add(disk(node, letter));
            }
        }
        return cluster;
    }

    ClusterView view() {
        return viewAt(NOW);
    }

    ClusterView viewAt(Instant now) {
        return new ClusterView(members, disks, nodes, storageClasses, volumes, attachments, now);
    }

    Fixtures node(String name, Map<String, String> labels) {
        nodes.add(new NodeBuilder()
                .withNewMetadata()
                .withName(name)
                .withLabels(labels)
                .endMetadata()
                .build());
        return this;
    }

    Disk disk(String name) {
        return disks.stream()
                .filter(disk -> disk.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** The pool has all six disks of the node and is open there. */
    StoragePoolMember open(String node) {
        List<String> names = new ArrayList<>();
        for (Disk disk : disks) {
            if (disk.getSpec().getNodeName().equals(node)) {
                disk.getSpec().setPool("tank");
                disk.getStatus().setPoolName("tank").setPoolId(POOL_ID);
                names.add(disk.getMetadata().getName());
            }
        }
        StoragePoolMember member = member(node, names);
        member.setStatus(openStatus(names.size()));
        members.add(member);
        return member;
    }

    static StoragePoolMemberStatus openStatus(int disks) {
        return new StoragePoolMemberStatus()
                .setPhase(MemberPhase.Open)
                .setPoolId(POOL_ID)
                .setRedundancy("4+2")
                .setRedundancyMargin(2)
                .setDisks(new DiskCounts().setTotal(disks).setHealthy(disks))
                .setCapacityBytes(new CapacityBytes()
                        .setRaw(60 * GIB)
                        .setUsable(40 * GIB)
                        .setUsed(10 * GIB)
                        .setReserved(15 * GIB)
                        .setAvailable(25 * GIB))
                .setLastHeartbeat(NOW.toString());
    }

    static StoragePoolMember member(String node, List<String> disks) {
        StoragePoolMember member = new StoragePoolMember();
        member.setMetadata(new ObjectMetaBuilder()
                .withName("tank-" + node)
                .withCreationTimestamp(NOW.minus(Duration.ofHours(1)).toString())
                .build());
        member.setSpec(new StoragePoolMemberSpec()
                .setStoragePool("tank")
                .setNodeName(node)
                .setRedundancy("4+2")
                .setDisks(disks));
        return member;
    }

    static Disk disk(String node, String letter) {
        Disk disk = new Disk();
        disk.setMetadata(new ObjectMetaBuilder()
                .withName(node + "-" + letter)
                .withResourceVersion("1")
                .withCreationTimestamp(NOW.minus(Duration.ofHours(1)).toString())
                .build());
        disk.setSpec(new DiskSpec().setNodeName(node));
        disk.setStatus(new DiskStatus()
                .setDevice("/dev/sd" + letter)
                .setById(List.of("/dev/disk/by-id/" + node + "-" + letter))
                .setSerial("SERIAL" + node + letter)
                .setModel("Samsung SSD 870")
                .setRotational(false)
                .setSizeBytes(10 * GIB));
        return disk;
    }

    static ForeignContent foreign(String reason, String message) {
        return new ForeignContent().setReason(reason).setMessage(message);
    }

    static StoragePool pool() {
        return pool("tank", new PoolDisks().setSelector(new DiskSelector().setMinSize("1G")));
    }

    static StoragePool pool(String name, PoolDisks disks) {
        StoragePool pool = new StoragePool();
        pool.setMetadata(new ObjectMetaBuilder()
                .withName(name)
                .withUid("uid-of-" + name)
                .withGeneration(3L)
                .build());
        pool.setSpec(new StoragePoolSpec().setDisks(disks).setRedundancy(new PoolRedundancy()));
        return pool;
    }

    static PoolDisks listed(String node, String... letters) {
        List<ListedDevice> devices = new ArrayList<>();
        for (String letter : letters) {
            devices.add(new ListedDevice().setNode(node).setPath("/dev/disk/by-id/" + node + "-" + letter));
        }
        return new PoolDisks().setDevices(devices);
    }

    static PersistentVolume volume(String name, String driver, String handle) {
        return new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .withNewCsi()
                .withDriver(driver)
                .withVolumeHandle(handle)
                .endCsi()
                .endSpec()
                .build();
    }

    static PersistentVolume ourVolume(String name) {
        return volume(name, DynamicfsApi.DRIVER, POOL_ID + "/" + name);
    }

    static List<String> names(List<Disk> disks) {
        return disks.stream().map(disk -> disk.getMetadata().getName()).toList();
    }
}
