package io.dynamicfs.crd.v1alpha1;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Every name that operator, node plugin and users have to agree on. */
public final class DynamicfsApi {
    public static final String GROUP = "dynamicfs.io";
    public static final String VERSION = "v1alpha1";
    public static final String CATEGORY = "dynamicfs";

    public static final String DRIVER = "csi.dynamicfs.io";
    public static final String TOPOLOGY_NODE = "topology.dynamicfs.io/node";
    public static final String PARAMETER_POOL = "pool";
    public static final String PARAMETER_REDUNDANCY = "redundancy";
    public static final String DEFAULT_REDUNDANCY = "4+2";

    /** Held by the operator on a StoragePool until its nodes have let go of it. */
    public static final String POOL_FINALIZER = "dynamicfs.io/storagepool";

    /** How long a node's agent may be silent before nobody waits for it. */
    public static final int SILENT_AFTER_SECONDS = 60;

    private static final int NAME_LENGTH_MAX = 253;
    private static final int LABEL_LENGTH_MAX = 63;
    private static final int HASH_DIGITS = 10;

    private DynamicfsApi() {}

    /** Labels and the values that do not depend on anything. */
    public static final class Labels {
        public static final String POOL = "dynamicfs.io/pool";
        public static final String NODE = "dynamicfs.io/node";
        public static final String MANAGED_BY = "app.kubernetes.io/managed-by";
        public static final String MANAGED_BY_OPERATOR = "dynamicfs-operator";

        private Labels() {}
    }

    /** Who writes which fields, for server-side apply. */
    public static final class FieldManagers {
        public static final String OPERATOR = "dynamicfs-operator";
        public static final String NODE = "dynamicfs-node";

        private FieldManagers() {}
    }

    /** Types of conditions. */
    public static final class Conditions {
        public static final String READY = "Ready";
        public static final String HEALTHY = "Healthy";
        public static final String REDUNDANT = "Redundant";
        public static final String DISKS_AVAILABLE = "DisksAvailable";
        public static final String PROGRESSING = "Progressing";
        public static final String DELETING = "Deleting";
        public static final String STORAGE_CLASS_READY = "StorageClassReady";
        public static final String ELIGIBLE = "Eligible";

        private Conditions() {}
    }

    /** Reasons of conditions and Events. */
    public static final class Reasons {
        public static final String ALL_DISKS_TAKEN = "AllDisksTaken";
        public static final String DISK_NOT_FOUND = "DiskNotFound";
        public static final String DISK_NOT_ELIGIBLE = "DiskNotEligible";
        public static final String DISK_CLAIMED_BY_ANOTHER_POOL = "DiskClaimedByAnotherPool";
        public static final String NO_MATCHING_NODE = "NoMatchingNode";
        public static final String NO_MATCHING_DISK = "NoMatchingDisk";
        public static final String POOL_AMBIGUOUS = "PoolAmbiguous";
        public static final String TOO_FEW_DISKS = "TooFewDisks";
        public static final String DISKS_CLAIMED = "DisksClaimed";

        public static final String ALL_NODES_OPEN = "AllNodesOpen";
        public static final String NODES_NOT_OPEN = "NodesNotOpen";
        public static final String NODE_AGENT_SILENT = "NodeAgentSilent";
        public static final String NODE_GONE = "NodeGone";
        public static final String CREATING = "Creating";
        public static final String POOL_OPENED = "PoolOpened";
        public static final String SETTLED = "Settled";

        public static final String ALL_DISKS_HEALTHY = "AllDisksHealthy";
        public static final String DISKS_FAILED = "DisksFailed";
        public static final String DISKS_SUSPECT = "DisksSuspect";
        public static final String FULLY_REDUNDANT = "FullyRedundant";
        public static final String REDUNDANCY_REDUCED = "RedundancyReduced";
        public static final String DATA_LOST = "DataLost";
        public static final String REDUNDANCY_IMPOSSIBLE = "RedundancyImpossible";
        public static final String UNKNOWN = "Unknown";

        public static final String STORAGE_CLASS_CREATED = "StorageClassCreated";
        public static final String STORAGE_CLASS_FOREIGN = "StorageClassForeign";
        public static final String STORAGE_CLASS_OUTDATED = "StorageClassOutdated";
        public static final String STORAGE_CLASS_EXISTS = "StorageClassExists";
        public static final String STORAGE_CLASS_CHANGED = "StorageClassChanged";

        public static final String RELEASING = "Releasing";
        public static final String RELEASED = "Released";
        public static final String WIPING = "Wiping";
        public static final String WIPED = "Wiped";
        public static final String PERSISTENT_VOLUMES_EXIST = "PersistentVolumesExist";

        public static final String NO_NODE_HAS_ROOM = "NoNodeHasRoom";
        public static final String FORBIDDEN = "Forbidden";
        public static final String RECONCILE_FAILED = "ReconcileFailed";
        public static final String DISKS_APPEARING = "DisksAppearing";
        public static final String POOL_NOT_OPEN = "PoolNotOpen";

        private Reasons() {}
    }

    /** Why a disk is not eligible. */
    public static final class Foreign {
        public static final String MOUNTED = "Mounted";
        public static final String PARTITIONED = "Partitioned";
        public static final String SIGNATURE = "Signature";
        public static final String TOO_SMALL = "TooSmall";
        public static final String READ_ONLY = "ReadOnly";
        public static final String IN_USE = "InUse";
        public static final String REMOVABLE = "Removable";
        public static final String VIRTUAL = "Virtual";
        public static final String POOL_MEMBER = "PoolMember";

        private Foreign() {}
    }

    /**
     * Name of the StoragePoolMember of a pool on a node; one that would be too long is cut and told apart by a hash.
     */
    public static String memberName(String pool, String node) {
        return bounded(pool + "-" + node);
    }

    /** Name of the Disk of a node; {@code stableId} is of lower-case letters, digits and hyphens. */
    public static String diskName(String node, String stableId) {
        return bounded(node + "-" + stableId);
    }

    /** Value of the label {@link Labels#NODE}: the node's name, or as much of it as a label takes. */
    public static String nodeLabel(String node) {
        return bounded(node, LABEL_LENGTH_MAX);
    }

    private static String bounded(String name) {
        return bounded(name, NAME_LENGTH_MAX);
    }

    private static String bounded(String name, int lengthMax) {
        if (name.length() <= lengthMax) {
            return name;
        }
        String head = name.substring(0, lengthMax - HASH_DIGITS - 1);
        while (!Character.isLetterOrDigit(head.charAt(head.length() - 1))) {
            head = head.substring(0, head.length() - 1);
        }
        return head + "-" + sha256(name).substring(0, HASH_DIGITS);
    }

    private static String sha256(String text) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
