/**
 * The operator: decides which disks a pool takes, says in conditions and Events how it is, and lets pools go. It never
 * talks to an engine; the agent on each node carries out what it writes into StoragePoolMember and Disk.
 *
 * <p>{@code StoragePoolReconciler} is the table of contents. What shall be ({@code Claims}, {@code Members},
 * {@code StorageClasses}, {@code Deletion}) and what is ({@code PoolStatus}, {@code RoomForClaims}) are pure functions
 * of a {@code ClusterView}; {@code ApiWriter} is the only one that writes.
 */
@NullMarked
package io.dynamicfs.operator;

import org.jspecify.annotations.NullMarked;
