package io.dynamicfs.engine.sim;

import io.dynamicfs.engine.fs.Attributes;
import io.dynamicfs.engine.fs.PosixVolume;
import io.dynamicfs.engine.sim.ModelOperation.Data;
import io.dynamicfs.engine.sim.ModelState.Node;
import io.dynamicfs.engine.sim.Observation.Seen;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Remembers a verified state of a volume and every operation since, and judges whether what is seen after a death is allowed:
 * the names are the state after a prefix of the namespace operations, each file's content is that after a prefix of its own
 * writes and truncates, and both hold everything that was acknowledged.
 *
 * <p>Positions count the operations of the volume's life; position p means "all operations with an index below p".
 */
final class Oracle {
    private record NameEntry(long index, ModelOperation operation) {}

    /** What a file's content was from operation {@code index} on. */
    private record Version(long index, FileContent content) {}

    private record Pairing(long model, long engine) {}

    /** A state that explains what was seen. */
    record Match(ModelState state, long namePosition, Map<Long, Long> versionOf, InodePairs pairs, int losses) {}

    /** Either a match, or why there is none. */
    record Verdict(@Nullable Match match, String explanation) {}

    /** Positions up to which operations must be there: all names, all data, and more of single files. */
    record Bounds(long names, long data, Map<Long, Long> files) {}

    private static final long BEFORE_ALL = -1;
    private static final int DIFFERENCES_SHOWN = 8;

    private ModelState base;
    private final List<NameEntry> names = new ArrayList<>();
    private final Map<Long, List<Version>> versions = new HashMap<>();
    private long next;

    private long namesAtLeast;
    private long dataAtLeast;
    private final Map<Long, Long> fileAtLeast = new HashMap<>();

    Oracle(ModelState base) {
        this.base = base.copy();
    }

    /** All operations so far. */
    long position() {
        return next;
    }

    /** Operations since the verified state. */
    int pending() {
        return names.size() + versions.values().stream().mapToInt(List::size).sum();
    }

    void record(ModelOperation operation, @Nullable FileContent content) {
        long index = next++;
        if (operation instanceof Data data && content != null) {
            versions.computeIfAbsent(data.inode(), inode -> new ArrayList<>()).add(new Version(index, content));
        } else {
            names.add(new NameEntry(index, operation));
        }
    }

    /** A sync of {@code inode} that was asked for at {@code position} was answered. */
    void acknowledged(long inode, long position) {
        namesAtLeast = Math.max(namesAtLeast, position);
        fileAtLeast.merge(inode, position, Math::max);
    }

    /** Everything before {@code position} is durable. The verified state moves there; {@code live} is that of the model now. */
    void committed(long position, ModelState live) {
        namesAtLeast = Math.max(namesAtLeast, position);
        dataAtLeast = Math.max(dataAtLeast, position);
        int done = 0;
        while (done < names.size() && names.get(done).index < position) {
            base.apply(names.get(done++).operation);
        }
        names.subList(0, done).clear();
        versions.forEach((inode, list) -> {
            int settled = 0;
            while (settled < list.size() && list.get(settled).index < position) {
                settled++;
            }
            Node node = base.find(inode);
            if (settled > 0 && node != null) {
                node.content = list.get(settled - 1).content;
            }
            list.subList(0, settled).clear();
        });
        versions.values().removeIf(List::isEmpty);
        Set<Long> mentioned = new TreeSet<>(versions.keySet());
        names.forEach(entry -> mention(entry.operation, mentioned));
        live.all().forEach(node -> mentioned.add(node.inode));
        base.prune(mentioned);
    }

    private static void mention(ModelOperation operation, Set<Long> inodes) {
        switch (operation) {
            case ModelOperation.Link link -> inodes.add(link.inode());
            case ModelOperation.Change change -> inodes.add(change.inode());
            case ModelOperation.SetXattr set -> inodes.add(set.inode());
            case ModelOperation.RemoveXattr remove -> inodes.add(remove.inode());
            default -> {}
        }
    }

    /** What must be there after the machine died now: what was acknowledged. */
    Bounds afterCrash() {
        return new Bounds(namesAtLeast, dataAtLeast, Map.copyOf(fileAtLeast));
    }

    /** What must be there while nothing may be missing that was answered before {@code answered}. */
    static Bounds exact(long answered) {
        return new Bounds(answered, answered, Map.of());
    }

    /** After losses that nothing covers no old state is too old, but every value must have been true once. */
    static Bounds afterDamage() {
        return new Bounds(0, 0, Map.of());
    }

    /** Looks for a state within the bounds that explains what is seen. */
    Verdict judge(Observation seen, InodePairs known, Bounds bounds) {
        return new Judgement(seen, known, bounds).run();
    }

    /** The matched state is the verified one now; what it lacks is forgotten. Returns a copy to go on with. */
    ModelState adopt(Match match) {
        ModelState state = match.state;
        state.prune(Set.of());
        base = state.copy();
        names.clear();
        versions.clear();
        fileAtLeast.clear();
        namesAtLeast = next;
        dataAtLeast = next;
        return state;
    }

    /**
     * Forgets the operations that the match does not hold and keeps the rest, with what was acknowledged about them. For the
     * death of a process, where only the operation that was not answered can be missing.
     */
    ModelState keepOnly(Match match) {
        names.removeIf(entry -> entry.index >= match.namePosition);
        versions.forEach((inode, list) -> list.removeIf(version -> version.index > versionKept(match, inode, list)));
        versions.values().removeIf(List::isEmpty);
        return match.state;
    }

    private static long versionKept(Match match, long inode, List<Version> list) {
        Long chosen = match.versionOf.get(inode);
        return chosen == null ? list.getLast().index : chosen;
    }

    private final class Judgement {
        private final Observation seen;
        private final InodePairs known;
        private final Bounds bounds;

        /** Data that a rename over an existing file exposes, by inode. */
        private final Map<Long, Long> exposed = new HashMap<>();

        /** Versions of an inode's content that equal what is seen of it, newest first. */
        private final Map<Pairing, List<Long>> equalVersions = new HashMap<>();

        Judgement(Observation seen, InodePairs known, Bounds bounds) {
            this.seen = seen;
            this.known = known;
            this.bounds = bounds;
        }

        Verdict run() {
            Comparison nearest = null;
            Comparison matching = null;
            ModelState state = base.copy();
            int matchingPrefix = 0;
            for (int prefix = 0; prefix <= names.size(); prefix++) {
                if (prefix > 0) {
                    advance(state, names.get(prefix - 1));
                }
                if (prefix < names.size() && names.get(prefix).index < bounds.names) {
                    continue;
                }
                Comparison comparison = new Comparison(state, prefix);
                comparison.run();
                if (comparison.differences.isEmpty()) {
                    matching = comparison;
                    matchingPrefix = prefix;
                } else if (nearest == null || comparison.differences.size() <= nearest.differences.size()) {
                    nearest = comparison;
                }
            }
            return matching == null
                    ? new Verdict(null, explain(nearest))
                    : new Verdict(matchOf(matching, matchingPrefix), "");
        }

        private Match matchOf(Comparison matching, int prefix) {
            ModelState state = base.copy();
            exposed.clear();
            for (NameEntry entry : names.subList(0, prefix)) {
                advance(state, entry);
            }
            for (Node node : state.all()) {
                List<Version> list = versions.get(node.inode);
                Long chosen = matching.versionOf.get(node.inode);
                if (list != null) {
                    node.content = contentOf(node, list, chosen == null ? list.getLast().index : chosen);
                }
                Long engine = matching.pairs.engine(node.inode);
                Seen shown = engine == null ? null : seen.inodes().get(engine);
                if (shown != null) {
                    node.accessed = Model.nanosOf(shown.attributes.accessed());
                    node.modified = Model.nanosOf(shown.attributes.modified());
                    node.changed = Model.nanosOf(shown.attributes.changed());
                }
            }
            long position = prefix == names.size() ? next : names.get(prefix).index;
            return new Match(state, position, matching.versionOf, matching.pairs, names.size() - prefix);
        }

        private static FileContent contentOf(Node node, List<Version> list, long index) {
            FileContent content = node.content;
            for (Version version : list) {
                if (version.index <= index) {
                    content = version.content;
                }
            }
            return content;
        }

        private void advance(ModelState state, NameEntry entry) {
            if (entry.operation instanceof ModelOperation.Rename rename && !rename.exchange()) {
                Node from = state.node(rename.directory());
                Node to = state.node(rename.newDirectory());
                Long moved = from.children.get(rename.name());
                Long displaced = to.children.get(rename.newName());
                if (moved != null && displaced != null && !moved.equals(displaced)) {
                    exposed.merge(moved, entry.index, Math::max);
                }
            }
            state.apply(entry.operation);
        }

        private String explain(@Nullable Comparison nearest) {
            if (nearest == null) {
                return "no prefix of the operations is long enough";
            }
            StringBuilder text = new StringBuilder("no allowed prefix of the namespace operations [")
                    .append(names.isEmpty() ? next : names.getFirst().index)
                    .append(", ")
                    .append(next)
                    .append("), from ")
                    .append(bounds.names)
                    .append(" on, explains what is seen; the nearest has ")
                    .append(nearest.prefix)
                    .append(" of ")
                    .append(names.size())
                    .append(" and differs in:");
            nearest.differences.stream()
                    .limit(DIFFERENCES_SHOWN)
                    .forEach(line -> text.append("\n  ").append(line));
            for (int i = Math.max(0, nearest.prefix - 2); i < Math.min(names.size(), nearest.prefix + 3); i++) {
                text.append(i < nearest.prefix ? "\n  applied: " : "\n  not applied: ")
                        .append(names.get(i).index)
                        .append(' ')
                        .append(Trace.readable(names.get(i).operation, 240));
            }
            return text.toString();
        }

        /** Indexes of versions that equal what is seen, {@link #BEFORE_ALL} being that of the verified state. */
        private List<Long> equalVersions(Node node, Seen shown) {
            Pairing pairing = new Pairing(node.inode, shown.attributes.inode());
            return equalVersions.computeIfAbsent(pairing, key -> {
                long inode = node.inode;
                List<Long> equal = new ArrayList<>();
                List<Version> list = versions.getOrDefault(inode, List.of());
                BitSet ignored = shown.unreadable.isEmpty() ? null : shown.unreadable;
                for (Version version : list.reversed()) {
                    if (version.content.firstDifference(shown.content, ignored) < 0) {
                        equal.add(version.index);
                    }
                }
                Node original = base.find(inode);
                FileContent first = original == null ? FileContent.EMPTY : original.content;
                if (first.firstDifference(shown.content, ignored) < 0) {
                    equal.add(BEFORE_ALL);
                }
                return equal;
            });
        }

        /** The oldest version that holds all data of the file before {@code position}. */
        private long oldestAllowed(long inode, long position) {
            long oldest = BEFORE_ALL;
            for (Version version : versions.getOrDefault(inode, List.of())) {
                if (version.index < position) {
                    oldest = version.index;
                }
            }
            return oldest;
        }

        private long dataPosition(long inode) {
            long position = Math.max(bounds.data, bounds.files.getOrDefault(inode, 0L));
            return Math.max(position, exposed.getOrDefault(inode, 0L));
        }

        /** Compares one state with what is seen. */
        private final class Comparison {
            final List<String> differences = new ArrayList<>();
            final Map<Long, Long> versionOf = new HashMap<>();
            final InodePairs pairs = new InodePairs();
            final ModelState state;
            final int prefix;

            Comparison(ModelState state, int prefix) {
                this.state = state;
                this.prefix = prefix;
            }

            void run() {
                compare("/", state.node(PosixVolume.ROOT_INODE), seen.root());
            }

            private void compare(String path, Node node, Seen shown) {
                Long expectedEngine = known.engine(node.inode);
                long engine = shown.attributes.inode();
                if (expectedEngine != null && expectedEngine != engine) {
                    differ(path, "inode", expectedEngine, engine);
                    return;
                }
                Long pairedEngine = pairs.engine(node.inode);
                Long pairedModel = pairs.model(engine);
                if (pairedEngine != null || pairedModel != null) {
                    boolean same = pairedEngine != null && pairedEngine == engine;
                    if (!same) {
                        differ(path, "hard link", "another name of inode " + pairedEngine, "inode " + engine);
                    }
                    return;
                }
                pairs.pair(node.inode, engine);
                attributes(path, node, shown.attributes);
                if (shown.xattrs != null && !shown.xattrs.equals(node.xattrs)) {
                    differ(path, "xattrs", node.xattrs, shown.xattrs);
                }
                switch (node.type()) {
                    case ModelState.DIRECTORY -> children(path, node, shown);
                    case ModelState.REGULAR -> content(path, node, shown);
                    case ModelState.SYMLINK -> {
                        if (shown.target != null && !shown.target.equals(node.target)) {
                            differ(path, "target", node.target, shown.target);
                        }
                    }
                    default -> {}
                }
            }

            private void attributes(String path, Node node, Attributes shown) {
                if (shown.mode() != node.mode) {
                    differ(path, "mode", Integer.toOctalString(node.mode), Integer.toOctalString(shown.mode()));
                }
                if (shown.uid() != node.uid || shown.gid() != node.gid) {
                    differ(path, "owner", node.uid + ":" + node.gid, shown.uid() + ":" + shown.gid());
                }
                if (shown.rdev() != node.rdev) {
                    differ(path, "rdev", node.rdev, shown.rdev());
                }
                if (shown.links() != node.links) {
                    differ(path, "links", node.links, shown.links());
                }
            }

            private void children(String path, Node node, Seen shown) {
                if (shown.children == null) {
                    return;
                }
                if (!shown.children.keySet().equals(node.children.keySet())) {
                    Set<String> missing = new TreeSet<>(node.children.keySet());
                    missing.removeAll(shown.children.keySet());
                    Set<String> extra = new TreeSet<>(shown.children.keySet());
                    extra.removeAll(node.children.keySet());
                    missing.forEach(name -> differ(path + name, "name", "present", "missing"));
                    extra.forEach(name -> differ(path + name, "name", "absent", "present"));
                }
                node.children.forEach((name, child) -> {
                    Long engine = shown.children.get(name);
                    Seen next = engine == null ? null : seen.inodes().get(engine);
                    if (next != null && !shown.lost.contains(name)) {
                        compare(path + name + "/", state.node(child), next);
                    }
                });
            }

            private void content(String path, Node node, Seen shown) {
                if (shown.type() != ModelState.REGULAR) {
                    return;
                }
                long oldest = oldestAllowed(node.inode, dataPosition(node.inode));
                List<Long> equal = equalVersions(node, shown);
                if (equal.isEmpty()) {
                    List<Version> list = versions.get(node.inode);
                    FileContent expected = list == null ? node.content : list.getLast().content;
                    differ(
                            path,
                            "content equals no prefix of its " + (list == null ? 0 : list.size())
                                    + " writes; from the newest it differs at byte "
                                    + expected.firstDifference(shown.content, shown.unreadable),
                            expected,
                            shown.content);
                } else if (equal.getFirst() < oldest) {
                    differ(path, "content is too old, operation", "at least " + oldest, equal.getFirst());
                } else {
                    versionOf.put(node.inode, equal.getFirst());
                }
            }

            private void differ(String path, String what, @Nullable Object expected, @Nullable Object found) {
                differences.add(Trace.readable(path, 120) + ": " + what + ": expected " + Trace.readable(expected, 200)
                        + ", found " + Trace.readable(found, 200));
            }
        }
    }
}
