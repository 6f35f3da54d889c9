package io.dynamicfs.engine.tree;

import io.dynamicfs.engine.format.NodeLayout;
import io.dynamicfs.engine.hash.Digest;
import java.nio.ByteBuffer;

/** Takes the encoded nodes of a commit. */
@FunctionalInterface
public interface NodeSink {
    /** An empty buffer of {@link NodeLayout#BYTES} for the next node; what was in it does not matter. */
    default ByteBuffer buffer() {
        return ByteBuffer.allocate(NodeLayout.BYTES);
    }

    /** Hashes the node and queues it to be written; the buffer, one that {@link #buffer()} gave, is the sink's again. */
    Digest write(long address, ByteBuffer node);
}
