package io.dynamicfs.crd.v1alpha1;

/** What a node shall do with its part of a pool that is being deleted. Values are only ever added. */
public enum Release {
    /** Keep it. */
    None,
    /** Let go of it without touching data, and do not adopt it again. */
    Retain,
    /** Destroy it. */
    Wipe
}
