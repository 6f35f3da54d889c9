package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.tree.Cursor;
import io.dynamicfs.engine.tree.TreeEditor;
import io.dynamicfs.engine.tree.TreeReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Which slices make up the stored content of files, in one version of a volume's tree. */
final class FileMap {

    /** A slice and the file offset of its first byte. */
    record Placed(long offset, Slice slice) {
        long end() {
            return offset + slice.length();
        }
    }

    private FileMap() {}

    /** The slices that show anything of bytes {@code from} to {@code to}, in order; the first and last may reach beyond. */
    static List<Placed> slices(TreeReader tree, long inode, long from, long to) {
        List<Placed> found = new ArrayList<>();
        if (from >= to) {
            return found;
        }
        Placed before = at(tree, inode, from);
        if (before != null && before.end() > from && before.offset < from) {
            found.add(before);
        }
        Cursor cursor = tree.scan(VolumeKeys.slice(inode, from), VolumeKeys.slice(inode, to));
        while (cursor.next()) {
            found.add(new Placed(VolumeKeys.numberOf(cursor.key()), Slice.decode(cursor.value())));
        }
        return found;
    }

    /** The slice with the greatest offset that is at most {@code offset}, or null. */
    static @org.jspecify.annotations.Nullable Placed at(TreeReader tree, long inode, long offset) {
        Map.Entry<byte[], byte[]> entry = tree.floor(VolumeKeys.slice(inode, offset));
        if (entry == null
                || VolumeKeys.inodeOf(entry.getKey()) != inode
                || VolumeKeys.kindOf(entry.getKey()) != VolumeKeys.SLICE) {
            return null;
        }
        return new Placed(VolumeKeys.numberOf(entry.getKey()), Slice.decode(entry.getValue()));
    }

    /** Slices that show anything of bytes {@code from} to {@code to}, counted up to {@code countMax}. */
    static int count(TreeReader tree, long inode, long from, long to, int countMax) {
        Placed before = from == 0 ? null : at(tree, inode, from - 1);
        int count = before != null && before.end() > from ? 1 : 0;
        Cursor cursor = tree.scan(VolumeKeys.slice(inode, from), VolumeKeys.slice(inode, Math.max(from, to)));
        while (count < countMax && cursor.next()) {
            count++;
        }
        return count;
    }

    /** Gives the slices that lie in bytes {@code from} to {@code to} as a whole to another inode; returns their bytes. */
    static long move(TreeEditor tree, long inode, long from, long to, long target) {
        List<Placed> moved = new ArrayList<>();
        for (Placed placed : slices(tree, inode, from, to)) {
            if (placed.offset >= from && placed.end() <= to) {
                moved.add(placed);
            }
        }
        long bytes = 0;
        for (Placed placed : moved) {
            tree.remove(VolumeKeys.slice(inode, placed.offset));
            put(tree, target, placed.offset, placed.slice);
            bytes += placed.slice.length();
        }
        return bytes;
    }

    /** The first byte from {@code from} on that no slice shows, at most {@code limit}. */
    static long holeFrom(TreeReader tree, long inode, long from, long limit) {
        Placed before = at(tree, inode, from);
        long at = before == null || before.end() <= from ? from : before.end();
        if (at == from) {
            return from;
        }
        Cursor cursor = tree.scan(VolumeKeys.slice(inode, at), VolumeKeys.slice(inode, Math.max(at, limit)));
        while (at < limit && cursor.next() && VolumeKeys.numberOf(cursor.key()) == at) {
            at += Slice.decode(cursor.value()).length();
        }
        return Math.min(at, limit);
    }

    /** The first byte from {@code from} on that a slice shows, at most {@code limit}. */
    static long dataFrom(TreeReader tree, long inode, long from, long limit) {
        Placed before = at(tree, inode, from);
        if (before != null && before.end() > from) {
            return from;
        }
        Cursor cursor = tree.scan(VolumeKeys.slice(inode, from), VolumeKeys.slice(inode, Math.max(from, limit)));
        return cursor.next() ? VolumeKeys.numberOf(cursor.key()) : limit;
    }

    /** Makes bytes {@code from} to {@code to} a hole; adds what extents no longer show to {@code released}. Returns the bytes removed. */
    static long punch(TreeEditor tree, long inode, long from, long to, Map<Long, Integer> released) {
        long removed = 0;
        for (Placed placed : slices(tree, inode, from, to)) {
            int keepBefore = (int) Math.max(0, from - placed.offset);
            int keepAfter = (int) Math.max(0, placed.end() - to);
            int length = placed.slice.length();
            tree.remove(VolumeKeys.slice(inode, placed.offset));
            if (keepBefore > 0) {
                put(tree, inode, placed.offset, placed.slice.part(0, keepBefore));
            }
            if (keepAfter > 0) {
                put(tree, inode, to, placed.slice.part(length - keepAfter, length));
            }
            int gone = length - keepBefore - keepAfter;
            removed += gone;
            if (placed.slice instanceof Slice.OfExtent(int ignored, long extent, int offset)) {
                released.merge(extent, gone, Integer::sum);
            }
        }
        return removed;
    }

    /** Puts what {@code found} shows of bytes {@code from} to {@code to} of a file at {@code target} of another; returns the bytes. */
    static long share(
            TreeEditor tree,
            List<Placed> found,
            long from,
            long to,
            long inode,
            long target,
            Map<Long, Integer> released) {
        long added = 0;
        for (Placed placed : found) {
            int skip = (int) Math.max(0, from - placed.offset);
            int end = (int) Math.min(placed.slice.length(), to - placed.offset);
            put(tree, inode, target + Math.max(0, placed.offset - from), placed.slice.part(skip, end));
            added += end - skip;
            if (placed.slice instanceof Slice.OfExtent(int ignored, long extent, int offset)) {
                released.merge(extent, skip - end, Integer::sum);
            }
        }
        return added;
    }

    static void put(TreeEditor tree, long inode, long offset, Slice slice) {
        tree.put(VolumeKeys.slice(inode, offset), slice.encode());
    }
}
