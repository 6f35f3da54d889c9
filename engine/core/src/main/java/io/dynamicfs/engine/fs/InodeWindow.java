package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Inode;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Some inodes of consecutive numbers, ascending, and how many names were seen of each. It covers the numbers from
 * {@link #from()} until that of the first inode that found no room.
 */
final class InodeWindow {
    private static final int CAPACITY_START = 1024;
    private static final int TYPE_SHIFT = 12;

    private final long from;
    private final int countMax;
    private long end = Long.MAX_VALUE;
    private int count;

    private long[] numbers = new long[CAPACITY_START];
    private long[] parents = new long[CAPACITY_START];
    private int[] links = new int[CAPACITY_START];
    private int[] names = new int[CAPACITY_START];
    private byte[] types = new byte[CAPACITY_START];
    private final BitSet namedByParent = new BitSet();
    private final BitSet reachable = new BitSet();
    private final BitSet unreachable = new BitSet();

    InodeWindow(long from, int countMax) {
        this.from = from;
        this.countMax = countMax;
    }

    long from() {
        return from;
    }

    int count() {
        return count;
    }

    boolean isFull() {
        return count == countMax;
    }

    /** The window covers nothing from that number on. */
    void endAt(long number) {
        end = number;
    }

    boolean covers(long number) {
        return number >= from && number < end;
    }

    void add(long number, Inode inode) {
        int index = append(number);
        parents[index] = inode.parent();
        links[index] = inode.links();
        types[index] = (byte) (inode.type() >>> TYPE_SHIFT);
    }

    /** An inode whose record cannot be read. */
    void addUnknown(long number) {
        append(number);
    }

    private int append(long number) {
        if (count == numbers.length) {
            int capacity = Math.min(countMax, count * 2);
            numbers = Arrays.copyOf(numbers, capacity);
            parents = Arrays.copyOf(parents, capacity);
            links = Arrays.copyOf(links, capacity);
            names = Arrays.copyOf(names, capacity);
            types = Arrays.copyOf(types, capacity);
        }
        numbers[count] = number;
        return count++;
    }

    /** The place of an inode, negative when it is not here. */
    int indexOf(long number) {
        return Arrays.binarySearch(numbers, 0, count, number);
    }

    long number(int index) {
        return numbers[index];
    }

    boolean isKnown(int index) {
        return types[index] != 0;
    }

    int type(int index) {
        return types[index] << TYPE_SHIFT;
    }

    int links(int index) {
        return links[index];
    }

    long parent(int index) {
        return parents[index];
    }

    void countName(int index, long directory) {
        names[index]++;
        if (parents[index] == directory) {
            namedByParent.set(index);
        }
    }

    int names(int index) {
        return names[index];
    }

    boolean isNamedByParent(int index) {
        return namedByParent.get(index);
    }

    /** What {@link #setReachable} was told about that directory, null when nothing. */
    @Nullable
    Boolean knownReachable(long number) {
        int index = indexOf(number);
        if (index < 0) {
            return null;
        }
        if (reachable.get(index)) {
            return true;
        }
        return unreachable.get(index) ? Boolean.FALSE : null;
    }

    void setReachable(long number, boolean value) {
        int index = indexOf(number);
        if (index >= 0) {
            (value ? reachable : unreachable).set(index);
        }
    }
}
