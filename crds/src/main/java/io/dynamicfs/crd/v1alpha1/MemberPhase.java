package io.dynamicfs.crd.v1alpha1;

/** Where one node is with its part of a pool. Values are only ever added. */
public enum MemberPhase {
    /** Nothing happened yet. */
    Pending,
    /** The node makes or opens the pool. */
    Creating,
    /** The pool is open and serves volumes. */
    Open,
    /** The pool could not be made or opened; reason and message say why. */
    Failed,
    /** The node has let go of the pool; its data is untouched. */
    Released,
    /** The pool is destroyed and its disks are free. */
    Wiped
}
