package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodePointer;
import java.nio.ByteBuffer;

/** Where written nodes are read from. Called on the thread that needs the node, by several threads at once. */
public interface NodeStore {
    /**
     * The {@link io.dynamicfs.engine.format.NodeLayout#BYTES} bytes of the node between position and limit, verified against
     * the digest of the pointer. They are not kept: the buffer may serve the thread's next load.
     */
    ByteBuffer load(NodePointer pointer) throws CorruptNodeException;
}
