package io.dynamicfs.engine.tree;

/** Gives out logical addresses of free node slots. */
@FunctionalInterface
public interface NodeAllocator {
    /** The logical address (metadata chunk, slot) of a slot that nothing uses. */
    long allocate();
}
