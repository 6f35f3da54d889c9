package io.dynamicfs.engine.fuse;

import io.dynamicfs.engine.syscall.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes down how it is called and gives prepared answers. */
final class RecordingHandler implements FuseHandler {
    static final NodeAttributes NODE = new NodeAttributes(
            77,
            0100640,
            3,
            10,
            11,
            0x0010_0203,
            5_000_000_000L,
            9_765_632L,
            new FuseTime(1, 2),
            new FuseTime(-3, 4),
            new FuseTime(5, 6),
            new FuseTime(7, 8));

    final List<String> calls = new ArrayList<>();

    @Nullable
    Throwable failure;

    boolean knowsNames = true;
    byte[] value = {};
    List<byte[]> names = List.of();

    @Nullable
    ParkedReply parked;

    private void called(String call) throws Exception {
        calls.add(call);
        if (failure instanceof Exception exception) {
            throw exception;
        }
        if (failure instanceof Error error) {
            throw error;
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @Override
    public Errno errno(FuseRequest request, Throwable thrown) {
        calls.add("errno " + thrown.getMessage());
        return thrown instanceof UnsupportedOperationException ? Errno.EOPNOTSUPP : Errno.EIO;
    }

    @Override
    public void negotiated(Negotiated agreed) {}

    @Override
    public @Nullable NodeAttributes lookup(FuseRequest request, byte[] name) throws Exception {
        called("lookup " + request.node() + " " + text(name));
        return knowsNames ? NODE : null;
    }

    @Override
    public void forget(long node, long count) {
        calls.add("forget " + node + " " + count);
    }

    @Override
    public NodeAttributes attributes(FuseRequest request) throws Exception {
        called("attributes " + request.node());
        return NODE;
    }

    @Override
    public NodeAttributes setAttributes(FuseRequest request, NodeChange change) throws Exception {
        called("setAttributes " + request.node() + " " + change);
        return NODE;
    }

    @Override
    public byte[] readLink(FuseRequest request) throws Exception {
        called("readLink " + request.node());
        return value;
    }

    @Override
    public NodeAttributes symlink(FuseRequest request, byte[] name, byte[] target) throws Exception {
        called("symlink " + request.node() + " " + text(name) + " " + text(target));
        return NODE;
    }

    @Override
    public NodeAttributes make(FuseRequest request, byte[] name, int mode, int rdev, int umask) throws Exception {
        called("make " + request.node() + " " + text(name) + " " + Integer.toOctalString(mode) + " " + rdev + " by "
                + request.uid() + ":" + request.gid() + " umask " + Integer.toOctalString(umask));
        return NODE;
    }

    @Override
    public NodeAttributes create(FuseRequest request, byte[] name, int mode, int flags, int umask) throws Exception {
        called("create " + request.node() + " " + text(name) + " " + Integer.toOctalString(mode) + " " + flags
                + " umask " + Integer.toOctalString(umask));
        return NODE;
    }

    @Override
    public NodeAttributes createUnnamed(FuseRequest request, int mode, int flags, int umask) throws Exception {
        called("createUnnamed " + request.node() + " " + Integer.toOctalString(mode) + " " + flags + " umask "
                + Integer.toOctalString(umask));
        return NODE;
    }

    @Override
    public void unlink(FuseRequest request, byte[] name) throws Exception {
        called("unlink " + request.node() + " " + text(name));
    }

    @Override
    public void removeDirectory(FuseRequest request, byte[] name) throws Exception {
        called("removeDirectory " + request.node() + " " + text(name));
    }

    @Override
    public void rename(FuseRequest request, byte[] name, long newDirectory, byte[] newName, int flags)
            throws Exception {
        called("rename " + request.node() + " " + text(name) + " " + newDirectory + " " + text(newName) + " " + flags);
    }

    @Override
    public NodeAttributes link(FuseRequest request, long node, byte[] name) throws Exception {
        called("link " + request.node() + " " + node + " " + text(name));
        return NODE;
    }

    @Override
    public int open(FuseRequest request, int flags, Runnable attributesChanged) throws Exception {
        called("open " + request.node() + " " + flags);
        attributesChanged.run();
        return OPEN_KEEP_CACHE;
    }

    @Override
    public int read(FuseRequest request, long offset, MemorySegment target, int flags) throws Exception {
        called("read " + request.node() + " " + offset + " " + target.byteSize() + " " + flags);
        MemorySegment.copy(value, 0, target, ValueLayout.JAVA_BYTE, 0, value.length);
        return value.length;
    }

    @Override
    public void write(FuseRequest request, long offset, MemorySegment source, boolean killPrivileges) throws Exception {
        called("write " + request.node() + " " + offset + " " + text(source.toArray(ValueLayout.JAVA_BYTE)) + " "
                + killPrivileges);
    }

    @Override
    public void allocate(FuseRequest request, long offset, long length, int mode) throws Exception {
        called("allocate " + request.node() + " " + offset + " " + length + " " + mode);
    }

    @Override
    public long copy(FuseRequest request, long offset, long target, long targetOffset, long length) throws Exception {
        called("copy " + request.node() + " " + offset + " " + target + " " + targetOffset + " " + length);
        return length - 1;
    }

    @Override
    public long seek(FuseRequest request, long offset, boolean hole) throws Exception {
        called("seek " + request.node() + " " + offset + " " + hole);
        return offset + 1;
    }

    @Override
    public void release(FuseRequest request, int flags) throws Exception {
        called("release " + request.node() + " " + flags);
    }

    @Override
    public void sync(FuseRequest request, boolean dataOnly, ParkedReply reply) throws Exception {
        parked = reply;
        called("sync " + request.node() + " " + dataOnly);
    }

    @Override
    public void readDirectory(FuseRequest request, long cookie, DirectoryListing listing, int flags) throws Exception {
        called("readDirectory " + request.node() + " " + cookie);
        for (int i = 0; i < names.size(); i++) {
            if (!listing.add(names.get(i), NODE, cookie + i + 1)) {
                calls.add("full at " + i);
                return;
            }
        }
    }

    @Override
    public byte[] getXattr(FuseRequest request, byte[] name) throws Exception {
        called("getXattr " + request.node() + " " + text(name));
        return value;
    }

    @Override
    public void setXattr(FuseRequest request, byte[] name, byte[] bytes, int flags, boolean killSetGid)
            throws Exception {
        called("setXattr " + request.node() + " " + text(name) + " " + text(bytes) + " " + flags
                + (killSetGid ? " kills set-group-id" : ""));
    }

    @Override
    public List<byte[]> listXattr(FuseRequest request) throws Exception {
        called("listXattr " + request.node());
        return names;
    }

    @Override
    public void removeXattr(FuseRequest request, byte[] name) throws Exception {
        called("removeXattr " + request.node() + " " + text(name));
    }

    @Override
    public FuseStatistics statistics(FuseRequest request) throws Exception {
        called("statistics");
        return new FuseStatistics(100, 40, 50, 20, 4096, 255);
    }
}
