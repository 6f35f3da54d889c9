package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Redundancy;

/**
 * What a new pool shall be. {@code redundancy} is the policy of volumes that name none; {@code verifyWrites} reads back and
 * compares what a commit wrote before it is published.
 */
public record PoolSpec(String name, Redundancy redundancy, boolean verifyWrites) {
    /** Longest pool or volume name, in bytes of UTF-8. */
    public static final int NAME_BYTES_MAX = 64;
}
