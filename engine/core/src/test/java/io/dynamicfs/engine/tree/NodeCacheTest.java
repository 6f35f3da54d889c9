package io.dynamicfs.engine.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.dynamicfs.engine.format.NodePointer;
import io.dynamicfs.engine.hash.Digest;
import org.junit.jupiter.api.Test;

class NodeCacheTest {
    private static NodePointer pointer(long address) {
        return new NodePointer(address, 1, new Digest(address, 0, 0, 0));
    }

    private static Node node() {
        return Node.leaf(null, new byte[0], null, new byte[][] {new byte[8]}, new byte[][] {new byte[1000]});
    }

    @Test
    void neverHoldsMoreBytesThanItsBound() {
        NodeCache cache = new NodeCache(50_000);
        for (int i = 1; i <= 1_000; i++) {
            cache.put(pointer(i), node());
            assertThat(cache.statistics().bytes()).isLessThanOrEqualTo(50_000);
        }
        assertThat(cache.statistics().values()).isBetween(30L, 50L);
        assertThat(cache.get(pointer(1_000))).isNotNull();
        assertThat(cache.get(pointer(1))).isNull();
    }

    @Test
    void keepsWhatIsUsed() {
        NodeCache cache = new NodeCache(50_000);
        Node used = node();
        cache.put(pointer(1), used);
        for (int i = 2; i <= 1_000; i++) {
            assertThat(cache.get(pointer(1))).isSameAs(used);
            cache.put(pointer(i), node());
        }
    }

    @Test
    void givesTheNodeThatWasAddedFirst() {
        NodeCache cache = new NodeCache(50_000);
        Node first = node();
        assertThat(cache.put(pointer(1), first)).isSameAs(first);
        assertThat(cache.put(pointer(1), node())).isSameAs(first);
        assertThat(cache.statistics().values()).isEqualTo(1);
    }

    @Test
    void aReusedAddressDoesNotFindTheNodeThatWasThere() {
        NodeCache cache = new NodeCache(50_000);
        cache.put(pointer(1), node());
        assertThat(cache.get(new NodePointer(1, 2, pointer(1).digest()))).isNull();
        assertThat(cache.get(new NodePointer(1, 1, Digest.ZERO))).isNull();
    }

    @Test
    void withNoRoomItHoldsNothing() {
        NodeCache cache = new NodeCache(0);
        cache.put(pointer(1), node());
        assertThat(cache.get(pointer(1))).isNull();
        assertThat(cache.statistics()).isEqualTo(new BoundedCache.Statistics(0, 1, 0, 0));
    }
}
