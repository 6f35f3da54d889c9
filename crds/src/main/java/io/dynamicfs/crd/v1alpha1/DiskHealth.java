package io.dynamicfs.crd.v1alpha1;

/** What the engine thinks of a disk. Values are only ever added. */
public enum DiskHealth {
    /** The disk is in no pool that is open. */
    Unknown,
    /** No complaint. */
    Healthy,
    /** It answers, with errors or late. */
    Suspect,
    /** It is not used any more; what was on it is read through the other disks. */
    Failed,
    /** The pool knows it, the node does not see it. */
    Missing
}
