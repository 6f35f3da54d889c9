package io.dynamicfs.engine.fs;

import io.dynamicfs.engine.commit.CommitContent;
import io.dynamicfs.engine.extent.LostDataException;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.ExtentRecord;
import io.dynamicfs.engine.format.Inode;
import io.dynamicfs.engine.format.InodeLayout;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.Slice;
import io.dynamicfs.engine.format.VolumeKeys;
import io.dynamicfs.engine.tree.Tree;
import io.dynamicfs.engine.tree.TreeEditor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How one commit stores the dirty layer of one file: as bytes in the tree when the whole file is small, else as pieces that become
 * extents. Pieces start and end at block boundaries (or the end of the file), so that small writes do not cut a file into ever
 * smaller slices; what a piece needs besides the dirty bytes is read again.
 */
final class FileFlush {
    private static final int BLOCK = DiskGeometry.BLOCK_BYTES;

    /** A shorter slice right before a dirty range is stored again with it: files that grow slowly end up in whole extents. */
    private static final int TAIL_BYTES_MAX = 64 << 10;

    private final Volume volume;
    private final long inode;
    private final DirtyFile file;
    private final Layer layer;
    private final Tree base;
    private final Redundancy redundancy;
    private final Set<FilePiece> pieces = new LinkedHashSet<>();
    private long rewrittenBytes;
    private byte @Nullable [] inline;
    private boolean leftOut;

    /** {@code layer} is the file's flushing layer over {@code base}. */
    FileFlush(Volume volume, long inode, DirtyFile file, Layer layer, Tree base, Redundancy redundancy) {
        this.volume = volume;
        this.inode = inode;
        this.file = file;
        this.layer = layer;
        this.base = base;
        this.redundancy = redundancy;
    }

    /**
     * Decides what to store; reads the rest of a small file. Up to {@code spareBytes} older bytes may be stored again so that the
     * file is in larger pieces.
     */
    Collection<FilePiece> plan(long spareBytes) {
        if (layer.size() <= Slice.INLINE_BYTES_MAX) {
            byte[] whole = new byte[(int) layer.size()];
            try {
                volume.readStored(base, inode, List.of(layer), 0, whole.length, MemorySegment.ofArray(whole));
                inline = whole;
                return List.of();
            } catch (LostDataException e) {
                addDirtyOnly(0, layer.size());
                return pieces;
            }
        }
        long planned = 0;
        for (Layer.Gap range : layer.ranges()) {
            long from = Math.max(planned, range.from() / BLOCK * BLOCK);
            long to = range.to() + Math.min(toBlockEnd(range.to()), layer.size() - range.to());
            if (from < to) {
                long tail = tail(from, planned);
                boolean spare = tail <= spareBytes - rewrittenBytes;
                rewrittenBytes += spare ? tail : 0;
                addPieces(spare ? from - tail : from, to);
                planned = to;
            }
        }
        return pieces;
    }

    /** Older bytes before the dirty ones that are planned to be stored again. */
    long rewrittenBytes() {
        return rewrittenBytes;
    }

    private static long toBlockEnd(long offset) {
        return -offset & (BLOCK - 1);
    }

    /** Bytes of a short slice right before {@code from} that are better stored again with what follows. */
    private long tail(long from, long planned) {
        FileMap.Placed before = from == 0 ? null : FileMap.at(base, inode, from - 1);
        if (before == null) {
            return 0;
        }
        boolean worthIt = before.end() == from
                && before.offset() >= planned
                && before.offset() % BLOCK == 0
                && before.end() <= layer.cutAt()
                && before.slice().length() < TAIL_BYTES_MAX;
        return worthIt ? from - before.offset() : 0;
    }

    private List<FilePiece> addPieces(long from, long to) {
        List<FilePiece> added = new ArrayList<>();
        for (long at = from; at < to; ) {
            long length = Math.min(to - at, ExtentRecord.LENGTH_MAX - at % ExtentRecord.LENGTH_MAX);
            added.add(new FilePiece(at, (int) length));
            at += length;
        }
        pieces.addAll(added);
        return added;
    }

    private List<FilePiece> addDirtyOnly(long from, long to) {
        List<FilePiece> added = new ArrayList<>();
        for (Layer.Gap range : layer.ranges()) {
            if (range.from() < to && range.to() > from) {
                added.addAll(addPieces(Math.max(range.from(), from), Math.min(range.to(), to)));
            }
        }
        return added;
    }

    /** A range of the file that becomes one extent. */
    final class FilePiece implements CommitContent.Piece {
        private final long offset;
        private final int length;
        private long extent;

        FilePiece(long offset, int length) {
            this.offset = offset;
            this.length = length;
        }

        @Override
        public long volume() {
            return volume.id();
        }

        @Override
        public long inode() {
            return inode;
        }

        @Override
        public int length() {
            return length;
        }

        @Override
        public Redundancy redundancy() {
            return redundancy;
        }

        @Override
        public void copyTo(MemorySegment target) throws LostDataException {
            volume.readStored(base, inode, List.of(layer), offset, offset + length, target);
        }

        @Override
        public List<FilePiece> withoutOlderBytes() {
            pieces.remove(this);
            return addDirtyOnly(offset, offset + length);
        }

        @Override
        public List<FilePiece> halves() {
            if (length <= BLOCK) {
                return List.of();
            }
            pieces.remove(this);
            long end = offset + length;
            long half = offset + length / 2;
            long middle = toBlockEnd(half) < end - half ? half + toBlockEnd(half) : half / BLOCK * BLOCK;
            List<FilePiece> halves = new ArrayList<>();
            if (layer.isWritten(offset, middle)) {
                halves.addAll(addPieces(offset, middle));
            }
            if (layer.isWritten(middle, end)) {
                halves.addAll(addPieces(middle, end));
            }
            return halves;
        }

        @Override
        public boolean isWanted() {
            return !leftOut;
        }

        @Override
        public void stored(long id) {
            extent = id;
        }

        @Override
        public void notStored() {
            leftOut = true;
        }
    }

    /**
     * Makes the stored pieces the file's content, under the lock; {@code released} gets what extents no longer show. Returns by how
     * much the volume's stored bytes changed. A file that was left out stays dirty, one that is gone takes nothing.
     */
    long apply(TreeEditor editor, Map<Long, Integer> released) throws FsException {
        byte[] value = editor.get(VolumeKeys.inode(inode));
        if (leftOut || value == null) {
            pieces.forEach(piece -> releaseWhole(piece, released));
            if (value == null) {
                file.endFlush();
            } else {
                file.abandonFlush();
            }
            return 0;
        }
        Inode old = NamespaceReader.decode(inode, value);
        long difference = 0;
        difference -= volume.cut(editor, inode, old, layer.emptied(), layer.isCutBitByBit(), released);
        if (inline != null) {
            difference -= FileMap.punch(editor, inode, 0, Long.MAX_VALUE, released);
            if (inline.length > 0) {
                FileMap.put(editor, inode, 0, new Slice.Inline(inline));
                difference += inline.length;
            }
        }
        for (FilePiece piece : pieces) {
            difference -= FileMap.punch(editor, inode, piece.offset, piece.offset + piece.length, released);
            FileMap.put(editor, inode, piece.offset, new Slice.OfExtent(piece.length, piece.extent, 0));
            difference += piece.length;
        }
        Inode.Editor changes = old.edit()
                .size(layer.size())
                .storedBytes(old.storedBytes() + difference)
                .contentSequence(layer.lastSequence());
        if (layer.modified() != null) {
            changes.modified(layer.modified());
        }
        if (layer.changed() != null && NamespaceReader.isLater(layer.changed(), old.changed())) {
            changes.changed(layer.changed());
        }
        editor.put(VolumeKeys.inode(inode), InodeLayout.encode(changes.build()));
        file.endFlush();
        return difference;
    }

    private static void releaseWhole(FilePiece piece, Map<Long, Integer> released) {
        if (piece.extent != 0) {
            released.merge(piece.extent, piece.length, Integer::sum);
        }
    }

    long inode() {
        return inode;
    }

    long lastSequence() {
        return layer.lastSequence();
    }

    DirtyFile file() {
        return file;
    }

    boolean isLeftOut() {
        return leftOut;
    }
}
