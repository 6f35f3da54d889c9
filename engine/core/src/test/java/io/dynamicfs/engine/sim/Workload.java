package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.AttributeChange;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.fs.PosixVolume.Owner;
import io.dynamicfs.engine.sim.ModelState.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Chooses what a client does next: a few names in a few directories, so that operations meet each other. */
final class Workload {
    /** What a run is mostly about. */
    enum Profile {
        MIXED,
        NAMES,
        DATA,
        SYNCS,
        FULL,
        /** At the edge of a full pool, with small writes all over and every second file removed. */
        FRAGMENTED
    }

    private enum Kind {
        CREATE,
        WRITE,
        APPEND,
        TRUNCATE,
        REPLACE,
        MAKE_DIRECTORY,
        REMOVE_DIRECTORY,
        UNLINK,
        RENAME,
        LINK,
        SYMLINK,
        SPECIAL,
        CHANGE,
        SET_XATTR,
        REMOVE_XATTR,
        SET_REDUNDANCY,
        SYNC,
        SYNC_DIRECTORY,
        READ,
        READ_DIRECTORY,
        LOOK,
        OPEN,
        CLOSE,
        FORGET,
        STATISTICS,
        WRONG,
        ZERO,
        ALLOCATE,
        HOLES,
        UNNAMED,
        SCATTER,
        THIN_OUT,
        COPY
    }

    private static final Map<Profile, int[]> WEIGHTS = Map.of(
            // CREATE WRITE APPEND TRUNC REPLACE MKDIR RMDIR UNLINK RENAME LINK SYMLINK SPECIAL CHANGE
            // SETX REMX REDUN SYNC SYNCDIR READ READDIR LOOK OPEN CLOSE FORGET STAT WRONG ZERO ALLOC HOLES UNNAMED
            // SCATTER THIN COPY
            Profile.MIXED,
            weights(
                    10, 20, 6, 5, 3, 4, 2, 5, 8, 3, 2, 1, 4, 3, 1, 1, 4, 1, 12, 4, 6, 3, 2, 4, 1, 2, 5, 1, 2, 2, 0, 0,
                    5),
            Profile.NAMES,
            weights(
                    14, 3, 1, 1, 4, 10, 6, 10, 20, 6, 4, 2, 6, 6, 3, 1, 2, 2, 2, 6, 6, 2, 2, 5, 1, 3, 1, 0, 0, 2, 0, 0,
                    1),
            Profile.DATA,
            weights(
                    5, 45, 12, 10, 4, 1, 0, 3, 2, 1, 0, 0, 1, 0, 0, 2, 4, 1, 25, 1, 2, 2, 2, 2, 1, 1, 12, 2, 4, 2, 0, 0,
                    12),
            Profile.SYNCS,
            weights(
                    10, 25, 12, 6, 8, 3, 2, 4, 8, 2, 1, 0, 3, 2, 1, 0, 25, 4, 5, 1, 2, 2, 2, 2, 1, 1, 6, 1, 1, 2, 0, 0,
                    8),
            Profile.FULL,
            weights(
                    14, 30, 30, 2, 2, 2, 1, 4, 2, 1, 1, 0, 2, 1, 0, 0, 2, 1, 5, 1, 2, 2, 2, 3, 3, 1, 2, 1, 1, 2, 0, 0,
                    2),
            Profile.FRAGMENTED,
            weights(
                    20, 16, 16, 4, 4, 2, 1, 2, 2, 1, 1, 0, 1, 1, 0, 1, 8, 1, 3, 1, 1, 2, 2, 4, 2, 0, 8, 4, 2, 3, 6, 2,
                    2));

    private static final int DIRECTORY_DEPTH_MAX = 4;
    private static final int DIRECTORIES_MAX = 12;
    private static final int WRITE_BYTES_MAX = 1 << 20;
    private static final List<String> NAMES = List.of(
            "a", "b", "c", "d", "e", "f", "note.txt", "tmp", "\u00ff\u0001", "x\ny", "n".repeat(255), "m".repeat(100));

    private final SplittableRandom random;
    private final Profile profile;
    private final List<String> redundancies;

    /** Keeping the volume near this size keeps a run fast. */
    private final long bytesWanted;

    private boolean filled;

    Workload(SplittableRandom random, Profile profile, List<String> redundancies, long bytesWanted) {
        this.random = random;
        this.profile = profile;
        this.redundancies = redundancies;
        this.bytesWanted = bytesWanted;
    }

    private static int[] weights(int... weights) {
        if (weights.length != Kind.values().length) {
            throw new IllegalArgumentException(weights.length + " weights for " + Kind.values().length + " kinds");
        }
        return weights;
    }

    void next(Client client) {
        if (profile == Profile.FRAGMENTED && stayNearFull(client)) {
            return;
        }
        if (storedBytes(client.state()) > bytesWanted && random.nextInt(3) > 0) {
            shrink(client);
            return;
        }
        switch (pickKind()) {
            case CREATE -> create(client);
            case WRITE -> write(client, false);
            case APPEND -> write(client, true);
            case TRUNCATE -> truncate(client);
            case REPLACE -> replace(client);
            case MAKE_DIRECTORY -> makeDirectory(client);
            case REMOVE_DIRECTORY -> removeDirectory(client);
            case UNLINK -> unlink(client);
            case RENAME -> rename(client);
            case LINK -> link(client);
            case SYMLINK -> symlink(client);
            case SPECIAL -> special(client);
            case CHANGE -> change(client);
            case SET_XATTR -> setXattr(client);
            case REMOVE_XATTR -> removeXattr(client);
            case SET_REDUNDANCY -> setRedundancy(client);
            case SYNC -> sync(client);
            case SYNC_DIRECTORY -> client.sync(pickDirectory(client).inode, random.nextBoolean());
            case READ -> read(client);
            case READ_DIRECTORY -> client.readDirectory(pickDirectory(client).inode, 1 + random.nextInt(40));
            case LOOK -> look(client);
            case OPEN -> open(client);
            case CLOSE -> close(client);
            case FORGET -> forget(client);
            case STATISTICS -> client.statistics();
            case WRONG -> wrong(client);
            case ZERO -> zero(client);
            case ALLOCATE -> allocate(client);
            case HOLES -> holes(client);
            case UNNAMED -> unnamed(client);
            case SCATTER -> scatter(client);
            case THIN_OUT -> thinOut(client);
            case COPY -> copy(client);
        }
    }

    /** Fills the pool in big steps at first, and makes room again after some of the refusals. */
    private boolean stayNearFull(Client client) {
        boolean refused = client.takeRefusals() > 0;
        filled |= refused;
        if (!filled && random.nextInt(3) > 0) {
            fill(client);
            return true;
        }
        if (!refused || random.nextInt(4) > 0) {
            return false;
        }
        switch (random.nextInt(6)) {
            case 0 -> thinOut(client);
            case 1 -> shrink(client);
            case 2 -> truncate(client);
            case 3 -> zero(client);
            default -> unlink(client);
        }
        return true;
    }

    private void fill(Client client) {
        Node file = random.nextInt(4) == 0 ? pickFile(client) : null;
        if (file == null) {
            Long made = client.make(pickDirectory(client).inode, pickName(), ModelState.REGULAR | 0644, 0, pickOwner());
            file = made == null ? pickFile(client) : client.state().find(made);
        }
        if (file != null) {
            byte[] data = new byte[random.nextInt(3) == 0 ? random.nextInt(1, 40_000) : WRITE_BYTES_MAX];
            random.nextBytes(data);
            client.write(file.inode, file.content.size(), data);
        }
    }

    /** Unlinks or truncates until nothing but the root is left. */
    void removeEverything(Client client) {
        for (long inode : List.copyOf(client.openFiles())) {
            client.close(inode);
        }
        removeBelow(client, client.state().node(PosixVolume.ROOT_INODE));
        for (long inode : Set.copyOf(client.model().referenced())) {
            client.forget(inode, client.model().references(inode));
        }
    }

    private void removeBelow(Client client, Node directory) {
        for (Map.Entry<String, Long> entry : List.copyOf(directory.children.entrySet())) {
            Node child = client.state().node(entry.getValue());
            if (child.isDirectory()) {
                removeBelow(client, child);
                client.removeDirectory(directory.inode, entry.getKey());
            } else {
                client.unlink(directory.inode, entry.getKey());
            }
        }
    }

    private Kind pickKind() {
        int[] weights = WEIGHTS.getOrDefault(profile, new int[0]);
        int total = 0;
        for (int weight : weights) {
            total += weight;
        }
        int at = random.nextInt(total);
        int index = 0;
        while (at >= weights[index]) {
            at -= weights[index++];
        }
        return Kind.values()[index];
    }

    private void create(Client client) {
        Node directory = pickDirectory(client);
        int mode = ModelState.REGULAR | pickPermissions();
        Long inode = client.make(directory.inode, pickName(), mode, 0, pickOwner());
        if (inode != null && random.nextInt(3) > 0) {
            client.write(inode, 0, pickData());
        }
    }

    private void write(Client client, boolean append) {
        Node file = pickFile(client);
        if (file == null) {
            create(client);
            return;
        }
        byte[] data = pickData();
        client.write(file.inode, append ? file.content.size() : pickOffset(file.content.size()), data);
    }

    private void truncate(Client client) {
        Node file = pickFile(client);
        if (file == null) {
            return;
        }
        long size = file.content.size();
        long wanted = switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> size;
            case 2 -> size + random.nextInt(1, 200_000);
            case 3 -> size / 4096 * 4096;
            default -> random.nextLong(size + 1);
        };
        client.setAttributes(file.inode, size(wanted));
    }

    private void zero(Client client) {
        Node file = pickFile(client);
        if (file != null) {
            long offset = pickOffset(file.content.size());
            long length = switch (random.nextInt(4)) {
                case 0 -> random.nextInt(1, 4096);
                case 1 -> 4096L * random.nextInt(1, 64);
                case 2 -> Math.max(1, file.content.size() - offset);
                default -> random.nextInt(1, 300_000);
            };
            client.zero(file.inode, offset, length, random.nextInt(3) == 0);
        }
    }

    /** Mostly whole blocks, so that extents are shared. */
    private void copy(Client client) {
        Node source = pickFile(client);
        Node target = pickFile(client);
        if (source == null || target == null || source.content.size() == 0) {
            return;
        }
        boolean aligned = random.nextInt(4) > 0;
        long sourceOffset = random.nextInt(3) == 0 ? 0 : pickOffset(source.content.size());
        long targetOffset = random.nextInt(3) == 0 ? 0 : pickOffset(target.content.size());
        long length = Math.min(WRITE_BYTES_MAX, random.nextInt(3) == 0 ? pickLength() : source.content.size());
        if (aligned) {
            sourceOffset = sourceOffset / 4096 * 4096;
            targetOffset = targetOffset / 4096 * 4096;
        }
        boolean overlaps = source == target && Math.abs(sourceOffset - targetOffset) < length;
        if (length > 0 && !overlaps) {
            client.copy(source.inode, sourceOffset, target.inode, targetOffset, length);
        }
    }

    private void allocate(Client client) {
        Node file = pickFile(client);
        if (file != null) {
            client.allocate(file.inode, pickOffset(file.content.size()), pickLength(), random.nextBoolean());
        }
    }

    /** What careful programs do: a file without a name, its content, perhaps fsync, then its name. */
    private void unnamed(Client client) {
        Node directory = pickDirectory(client);
        Long inode = client.makeUnnamed(directory.inode, pickPermissions(), pickOwner());
        if (inode == null) {
            return;
        }
        client.write(inode, 0, pickData());
        if (random.nextBoolean()) {
            client.sync(inode, false);
        }
        if (random.nextInt(4) > 0) {
            client.link(inode, pickDirectory(client).inode, pickName());
        }
    }

    private void holes(Client client) {
        Node file = pickFile(client);
        if (file != null) {
            client.holes(file.inode);
        }
    }

    private static AttributeChange size(long size) {
        return new AttributeChange(null, null, null, size, null, null);
    }

    /** What editors do: a new file, its content, perhaps fsync, then a rename over the old one. */
    private void replace(Client client) {
        Node directory = pickDirectory(client);
        String temporary = "tmp" + random.nextInt(3);
        Long inode = client.make(directory.inode, temporary, ModelState.REGULAR | 0644, 0, pickOwner());
        if (inode == null) {
            return;
        }
        client.write(inode, 0, pickData());
        if (random.nextBoolean()) {
            client.sync(inode, false);
        }
        String target = pickExistingName(client, directory, false);
        client.rename(directory.inode, temporary, directory.inode, target == null ? pickName() : target, 0);
    }

    private void makeDirectory(Client client) {
        Node parent = pickDirectory(client);
        boolean full =
                directories(client).size() >= DIRECTORIES_MAX || depth(client.state(), parent) >= DIRECTORY_DEPTH_MAX;
        if (full) {
            removeDirectory(client);
            return;
        }
        client.make(parent.inode, pickName(), ModelState.DIRECTORY | pickPermissions(), 0, pickOwner());
    }

    private void removeDirectory(Client client) {
        Node parent = pickDirectory(client);
        String name = pickExistingName(client, parent, true);
        client.removeDirectory(parent.inode, name == null ? pickName() : name);
    }

    private void unlink(Client client) {
        Node parent = pickDirectory(client);
        String name = pickExistingName(client, parent, false);
        client.unlink(parent.inode, name == null ? pickName() : name);
    }

    private void rename(Client client) {
        Node from = pickDirectory(client);
        Node to = random.nextInt(3) == 0 ? from : pickDirectory(client);
        String name = random.nextInt(10) == 0 ? pickName() : pickAnyName(from);
        String newName = random.nextBoolean() ? pickName() : pickAnyName(to);
        int flags = switch (random.nextInt(8)) {
            case 0 -> PosixVolume.RENAME_NOREPLACE;
            case 1 -> PosixVolume.RENAME_EXCHANGE;
            default -> 0;
        };
        client.rename(from.inode, name, to.inode, newName, flags);
    }

    private void link(Client client) {
        Node file = pickFile(client);
        if (file != null) {
            client.link(file.inode, pickDirectory(client).inode, pickName());
        }
    }

    private void symlink(Client client) {
        Node directory = pickDirectory(client);
        int length = random.nextInt(10) == 0 ? Model.SYMLINK_BYTES_MAX : random.nextInt(1, 100);
        Long inode = client.symlink(directory.inode, pickName(), "t".repeat(length), pickOwner());
        if (inode != null) {
            client.readLink(inode);
        }
    }

    private void special(Client client) {
        client.make(pickDirectory(client).inode, pickName(), ModelState.FIFO | pickPermissions(), 0, pickOwner());
    }

    private void change(Client client) {
        Node node = pickNode(client);
        boolean times = random.nextBoolean();
        boolean isLink = node.type() == ModelState.SYMLINK;
        client.setAttributes(
                node.inode,
                new AttributeChange(
                        isLink || random.nextBoolean() ? null : pickPermissions(),
                        random.nextBoolean() ? null : random.nextInt(3) * 1000,
                        random.nextBoolean() ? null : random.nextInt(3) * 1000,
                        null,
                        times ? Model.timestamp(pickTime()) : null,
                        times ? Model.timestamp(pickTime()) : null));
    }

    private void setXattr(Client client) {
        Node node = pickPlainNode(client);
        if (node == null) {
            return;
        }
        int length = switch (random.nextInt(12)) {
            case 0 -> 0;
            case 1 -> random.nextInt(4000, 9000);
            case 2 -> random.nextInt(20) == 0 ? Model.XATTR_VALUE_BYTES_MAX : 2000;
            default -> random.nextInt(1, 200);
        };
        byte[] value = new byte[length];
        random.nextBytes(value);
        int flags = random.nextInt(4) == 0 ? random.nextInt(1, 3) : 0;
        client.setXattr(node.inode, pickXattr(), Model.text(value), flags);
    }

    private void removeXattr(Client client) {
        Node node = pickPlainNode(client);
        if (node != null) {
            boolean known = !node.xattrs.isEmpty() && random.nextInt(4) > 0;
            client.removeXattr(node.inode, known ? pick(List.copyOf(node.xattrs.keySet())) : pickXattr());
        }
    }

    private void setRedundancy(Client client) {
        Node node = pickPlainNode(client);
        if (node != null && !redundancies.isEmpty()) {
            client.setXattr(node.inode, ModelState.REDUNDANCY_XATTR, pick(redundancies), 0);
        }
    }

    private void sync(Client client) {
        Node file = pickFile(client);
        if (file != null) {
            client.sync(file.inode, random.nextBoolean());
        }
    }

    private void read(Client client) {
        Node file = pickFile(client);
        if (file == null) {
            return;
        }
        long size = file.content.size();
        boolean whole = size <= WRITE_BYTES_MAX && random.nextInt(3) == 0;
        long offset = whole ? 0 : random.nextLong(size + 5000);
        int length = whole ? WRITE_BYTES_MAX : pickLength();
        client.read(file.inode, offset, length);
    }

    private void look(Client client) {
        Node directory = pickDirectory(client);
        Long inode = client.lookup(directory.inode, random.nextInt(3) == 0 ? pickName() : pickAnyName(directory));
        Node node = inode == null ? null : client.state().find(inode);
        if (inode != null && node != null && (node.isDirectory() || node.isRegular())) {
            client.listXattr(inode);
            node.xattrs.keySet().stream().findFirst().ifPresent(name -> client.getXattr(inode, name));
        }
    }

    private void open(Client client) {
        Node directory = pickDirectory(client);
        String name = pickExistingName(client, directory, false);
        Long inode = name == null ? null : client.lookup(directory.inode, name);
        Node node = inode == null ? null : client.state().find(inode);
        if (node != null && node.isRegular()) {
            client.open(node.inode);
        }
    }

    private void close(Client client) {
        if (!client.openFiles().isEmpty()) {
            client.close(pick(client.openFiles()));
        }
    }

    private void forget(Client client) {
        List<Long> referenced = client.model().referenced().stream()
                .sorted()
                .filter(inode -> !client.openFiles().contains(inode))
                .toList();
        if (!referenced.isEmpty()) {
            long inode = pick(referenced);
            long count = client.model().references(inode);
            client.forget(inode, random.nextInt(4) == 0 ? random.nextLong(1, count + 1) : count);
        }
    }

    /** Arguments that must be refused, with the model knowing how. */
    private void wrong(Client client) {
        Node directory = pickDirectory(client);
        Node file = pickFile(client);
        switch (random.nextInt(10)) {
            case 0 -> client.make(directory.inode, "l".repeat(256), ModelState.REGULAR | 0644, 0, pickOwner());
            case 1 -> client.lookup(directory.inode, "l".repeat(300));
            case 2 -> client.write(directory.inode, 0, pickData());
            case 3 -> client.rename(directory.inode, pickAnyName(directory), directory.inode, "q", 3);
            case 4 -> client.setXattr(directory.inode, ModelState.REDUNDANCY_XATTR, "many", 0);
            case 5 -> client.link(directory.inode, directory.inode, pickName());
            case 6 -> client.unlink(directory.inode, pickName());
            case 7 -> client.setAttributes(directory.inode, size(1));
            case 8 -> client.readLink(directory.inode);
            default -> {
                if (file != null) {
                    client.lookup(file.inode, "below");
                    client.make(file.inode, "below", ModelState.REGULAR | 0644, 0, pickOwner());
                    client.getXattr(file.inode, "user.absent");
                }
            }
        }
    }

    /** Small writes with gaps between them: every one needs a block of its own. */
    private void scatter(Client client) {
        Node file = pickFile(client);
        if (file == null) {
            create(client);
            return;
        }
        long stride = 4096L * random.nextInt(1, 4);
        long offset = random.nextLong(file.content.size() + 1) / 4096 * 4096;
        int length = random.nextInt(3) == 0 ? 4096 : random.nextInt(1, 600);
        for (int i = random.nextInt(5, 80); i > 0 && client.refusals() == 0; i--) {
            byte[] data = new byte[length];
            random.nextBytes(data);
            client.write(file.inode, offset, data);
            offset += stride;
        }
    }

    /** Removes about every second file: what is free afterwards is in pieces. */
    private void thinOut(Client client) {
        for (Node directory : directories(client)) {
            for (Map.Entry<String, Long> entry : List.copyOf(directory.children.entrySet())) {
                Node child = client.state().find(entry.getValue());
                if (child != null && child.isRegular() && random.nextBoolean()) {
                    client.unlink(directory.inode, entry.getKey());
                }
            }
        }
        for (long inode :
                Set.copyOf(client.model().referenced()).stream().sorted().toList()) {
            if (!client.openFiles().contains(inode)) {
                client.forget(inode, client.model().references(inode));
            }
        }
    }

    private void shrink(Client client) {
        Node biggest = null;
        for (Node node : client.state().all()) {
            if (biggest == null || node.content.storedBytes() > biggest.content.storedBytes()) {
                biggest = node;
            }
        }
        if (biggest == null) {
            return;
        }
        if (biggest.links == 0) {
            client.close(biggest.inode);
            client.forget(biggest.inode, client.model().references(biggest.inode));
            return;
        }
        if (random.nextInt(3) == 0) {
            client.setAttributes(biggest.inode, size(biggest.content.size() / 3));
            return;
        }
        for (Node directory : directories(client)) {
            for (Map.Entry<String, Long> entry : directory.children.entrySet()) {
                if (entry.getValue() == biggest.inode) {
                    client.unlink(directory.inode, entry.getKey());
                    return;
                }
            }
        }
    }

    private static long storedBytes(ModelState state) {
        long bytes = 0;
        for (Node node : state.all()) {
            bytes += node.content.storedBytes();
        }
        return bytes;
    }

    private List<Node> directories(Client client) {
        List<Node> found = new ArrayList<>();
        for (Node node : client.state().all()) {
            if (node.isDirectory() && node.links > 0) {
                found.add(node);
            }
        }
        return found;
    }

    private Node pickDirectory(Client client) {
        return pick(directories(client));
    }

    private static int depth(ModelState state, Node directory) {
        int depth = 0;
        for (Node node = directory; node.inode != PosixVolume.ROOT_INODE; node = state.node(node.parent)) {
            depth++;
        }
        return depth;
    }

    private @Nullable Node pickFile(Client client) {
        List<Node> files = new ArrayList<>();
        for (Node node : client.state().all()) {
            if (node.isRegular()) {
                files.add(node);
            }
        }
        return files.isEmpty() ? null : pick(files);
    }

    private Node pickNode(Client client) {
        List<Node> nodes = new ArrayList<>();
        client.state().all().forEach(nodes::add);
        return pick(nodes);
    }

    /** A file or directory; the kernel allows user attributes on nothing else. */
    private @Nullable Node pickPlainNode(Client client) {
        Node node = pickNode(client);
        return node.isDirectory() || node.isRegular() ? node : null;
    }

    private String pickName() {
        return pick(NAMES);
    }

    private String pickAnyName(Node directory) {
        return directory.children.isEmpty() ? pickName() : pick(List.copyOf(directory.children.keySet()));
    }

    private @Nullable String pickExistingName(Client client, Node directory, boolean isDirectory) {
        List<String> names = new ArrayList<>();
        directory.children.forEach((name, inode) -> {
            if (client.state().node(inode).isDirectory() == isDirectory) {
                names.add(name);
            }
        });
        return names.isEmpty() ? null : pick(names);
    }

    private String pickXattr() {
        return "user." + pick(List.of("one", "two", "three", "z".repeat(200)));
    }

    private int pickPermissions() {
        return pick(List.of(0644, 0600, 0755, 0700, 0, 0777));
    }

    private Owner pickOwner() {
        return new Owner(random.nextInt(2) * 1000, random.nextInt(2) * 1000);
    }

    private long pickTime() {
        return random.nextInt(4) == 0 ? -random.nextLong(1_000_000_000_000_000L) : random.nextLong(1L << 61);
    }

    private byte[] pickData() {
        byte[] data = new byte[pickLength()];
        if (random.nextInt(20) > 0) {
            random.nextBytes(data);
        }
        return data;
    }

    private int pickLength() {
        int choice = random.nextInt(
                profile == Profile.FULL || profile == Profile.DATA || profile == Profile.FRAGMENTED ? 110 : 100);
        if (choice < 40) {
            return random.nextInt(1, 600);
        } else if (choice < 60) {
            return 4096 * random.nextInt(1, 9);
        } else if (choice < 85) {
            return random.nextInt(1, 40_000);
        } else if (choice < 95) {
            return random.nextInt(1, 200_000);
        } else if (choice < 97) {
            return 65536 * random.nextInt(1, 17);
        }
        return random.nextInt(1, WRITE_BYTES_MAX + 1);
    }

    private long pickOffset(long size) {
        int choice = random.nextInt(200);
        if (choice < 60) {
            return size;
        } else if (choice < 130) {
            return random.nextLong(size + 1);
        } else if (choice < 180) {
            return random.nextLong(size + 1) / 4096 * 4096;
        } else if (choice < 199) {
            return size + random.nextInt(300_000);
        }
        return random.nextInt(32 << 20);
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
