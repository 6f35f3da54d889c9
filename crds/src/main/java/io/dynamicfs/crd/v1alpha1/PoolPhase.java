package io.dynamicfs.crd.v1alpha1;

/** Where a StoragePool is, in a word; the conditions say more. Values are only ever added. */
public enum PoolPhase {
    /** No node has a part of it yet. */
    Pending,
    /** Nodes are making their parts. */
    Creating,
    /** Every part is open and complete. */
    Ready,
    /** It serves, but a disk, a node or redundancy is missing. */
    Degraded,
    /** No part of it serves. */
    Failed,
    /** It is being released or wiped. */
    Deleting
}
