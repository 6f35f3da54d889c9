package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.FsException;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Everything that can be seen of a volume through its operations, by inode number. */
record Observation(Map<Long, Seen> inodes) {
    private static final int PIECE_BYTES = 256 * 1024;

    /** One inode. Null means that reading it answered EIO. */
    static final class Seen {
        final Attributes attributes;

        @Nullable
        Map<String, Long> children;

        @Nullable
        Map<String, String> xattrs;

        @Nullable
        String target;

        FileContent content = FileContent.EMPTY;

        /** Blocks of the content that answered EIO, by {@link FileContent#BLOCK_BYTES}. */
        final BitSet unreadable = new BitSet();

        /** Names whose lookup answered EIO. */
        final List<String> lost = new ArrayList<>();

        Seen(Attributes attributes) {
            this.attributes = attributes;
        }

        int type() {
            return attributes.mode() & ModelState.TYPE_MASK;
        }
    }

    /** Walks the whole volume. With {@code mayBeDamaged}, EIO leaves a gap; otherwise it is a failure. */
    static Observation of(PosixVolume volume, boolean mayBeDamaged) {
        Walk walk = new Walk(volume, mayBeDamaged);
        try (Arena arena = Arena.ofConfined()) {
            walk.buffer = arena.allocate(PIECE_BYTES, 4096);
            walk.from(PosixVolume.ROOT_INODE);
        }
        return new Observation(walk.inodes);
    }

    Seen root() {
        Seen root = inodes.get(PosixVolume.ROOT_INODE);
        if (root == null) {
            throw new SimulationFailure("the root directory is not readable");
        }
        return root;
    }

    boolean hasGaps() {
        return inodes.values().stream()
                .anyMatch(seen -> seen.xattrs == null
                        || !seen.unreadable.isEmpty()
                        || !seen.lost.isEmpty()
                        || (seen.type() == ModelState.DIRECTORY && seen.children == null)
                        || (seen.type() == ModelState.SYMLINK && seen.target == null));
    }

    private interface Reading {
        void run() throws FsException;
    }

    private static final class Walk {
        final PosixVolume volume;
        final boolean mayBeDamaged;
        final Map<Long, Seen> inodes = new TreeMap<>();
        MemorySegment buffer = MemorySegment.NULL;

        Walk(PosixVolume volume, boolean mayBeDamaged) {
            this.volume = volume;
            this.mayBeDamaged = mayBeDamaged;
        }

        void from(long inode) {
            attempt("attributes of inode " + inode, () -> visit(volume.attributes(inode)));
        }

        private void visit(Attributes attributes) {
            if (inodes.containsKey(attributes.inode())) {
                return;
            }
            Seen seen = new Seen(attributes);
            inodes.put(attributes.inode(), seen);
            String what = "inode " + attributes.inode();
            attempt("xattrs of " + what, () -> seen.xattrs = xattrs(attributes.inode()));
            switch (seen.type()) {
                case ModelState.DIRECTORY -> {
                    attempt("entries of " + what, () -> seen.children = list(attributes.inode()));
                    descend(seen);
                }
                case ModelState.SYMLINK ->
                    attempt("target of " + what, () -> seen.target = Model.text(volume.readLink(attributes.inode())));
                case ModelState.REGULAR -> content(seen);
                default -> {}
            }
        }

        private void descend(Seen seen) {
            if (seen.children == null) {
                return;
            }
            seen.children.forEach((name, inode) -> {
                boolean found = attempt("lookup of " + name, () -> {
                    Attributes child = volume.lookup(seen.attributes.inode(), Model.bytes(name));
                    if (child.inode() != inode) {
                        throw new SimulationFailure("readdir answers inode " + inode + " for " + name + " in directory "
                                + seen.attributes.inode() + ", lookup " + child.inode());
                    }
                    visit(child);
                    volume.forget(inode, 1);
                });
                if (!found) {
                    seen.lost.add(name);
                }
            });
        }

        private Map<String, Long> list(long inode) throws FsException {
            Map<String, Long> children = new TreeMap<>();
            int[] position = {0};
            volume.readDirectory(inode, 0, (name, attributes, cookie) -> {
                String text = Model.text(name);
                int index = position[0]++;
                if (index < 2) {
                    String expected = index == 0 ? "." : "..";
                    if (!text.equals(expected)) {
                        throw new SimulationFailure(
                                "entry " + index + " of directory " + inode + " must be " + expected + ", is " + text);
                    }
                } else if (children.put(text, attributes.inode()) != null) {
                    throw new SimulationFailure("directory " + inode + " lists " + text + " twice");
                }
                return true;
            });
            return children;
        }

        private Map<String, String> xattrs(long inode) throws FsException {
            Map<String, String> values = new TreeMap<>();
            for (byte[] name : volume.listXattr(inode)) {
                values.put(Model.text(name), Model.text(volume.getXattr(inode, name)));
            }
            return values;
        }

        private void content(Seen seen) {
            long size = seen.attributes.size();
            FileContent content = FileContent.EMPTY.resize(size);
            for (long at = 0; at < size; at += PIECE_BYTES) {
                int length = (int) Math.min(PIECE_BYTES, size - at);
                content = piece(seen, content, at, length, mayBeDamaged);
            }
            seen.content = content;
        }

        private FileContent piece(Seen seen, FileContent content, long at, int length, boolean splits) {
            try {
                int found = volume.read(seen.attributes.inode(), at, buffer.asSlice(0, length));
                if (found != length) {
                    throw new SimulationFailure("reading " + length + " bytes at " + at + " of inode "
                            + seen.attributes.inode() + " of " + seen.attributes.size() + " bytes answers " + found);
                }
                byte[] bytes = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
                return isZero(bytes) ? content : content.write(at, bytes);
            } catch (FsException failure) {
                require(failure, "read at " + at + " of inode " + seen.attributes.inode());
            }
            if (length <= FileContent.BLOCK_BYTES || !splits) {
                seen.unreadable.set((int) (at / FileContent.BLOCK_BYTES), (int)
                        ((at + length + FileContent.BLOCK_BYTES - 1) / FileContent.BLOCK_BYTES));
                return content;
            }
            FileContent result = content;
            for (int done = 0; done < length; done += FileContent.BLOCK_BYTES) {
                result = piece(seen, result, at + done, Math.min(FileContent.BLOCK_BYTES, length - done), true);
            }
            return result;
        }

        private static boolean isZero(byte[] bytes) {
            for (byte b : bytes) {
                if (b != 0) {
                    return false;
                }
            }
            return true;
        }

        private boolean attempt(String what, Reading reading) {
            try {
                reading.run();
                return true;
            } catch (FsException failure) {
                require(failure, what);
                return false;
            }
        }

        private void require(FsException failure, String what) {
            if (!mayBeDamaged || failure.errno() != Errno.EIO) {
                throw new SimulationFailure(what + " answers " + failure.errno());
            }
        }
    }
}
