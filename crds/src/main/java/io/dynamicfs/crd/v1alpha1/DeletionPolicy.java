package io.dynamicfs.crd.v1alpha1;

/** What becomes of the data when a StoragePool is deleted. Values are only ever added. */
public enum DeletionPolicy {
    /** The pool stays on its disks, untouched, and is not adopted again until a StoragePool names it. */
    Retain,
    /** The pool is destroyed and its disks become free, once no PersistentVolume is on it. */
    Wipe
}
