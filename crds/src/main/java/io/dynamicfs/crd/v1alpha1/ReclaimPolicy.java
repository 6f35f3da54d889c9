package io.dynamicfs.crd.v1alpha1;

/** What becomes of a volume when its claim is deleted. Values are only ever added. */
public enum ReclaimPolicy {
    /** The volume and its files are deleted. */
    Delete,
    /** The volume stays until an administrator deletes it. */
    Retain
}
