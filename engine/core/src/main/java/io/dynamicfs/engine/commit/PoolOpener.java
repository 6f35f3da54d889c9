package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.commit.PoolException.Reason;
import io.dynamicfs.engine.commit.PoolStore.PoolMember;
import io.dynamicfs.engine.device.BlockDevice;
import io.dynamicfs.engine.device.DeviceException;
import io.dynamicfs.engine.device.DiskSet;
import io.dynamicfs.engine.device.FailureLatch;
import io.dynamicfs.engine.device.PoolDisk;
import io.dynamicfs.engine.device.Signature;
import io.dynamicfs.engine.device.Signatures;
import io.dynamicfs.engine.format.BlockAddress;
import io.dynamicfs.engine.format.ChunkMapLayout;
import io.dynamicfs.engine.format.CorruptRecordException;
import io.dynamicfs.engine.format.DiskGeometry;
import io.dynamicfs.engine.format.DiskHealth;
import io.dynamicfs.engine.format.DiskRecord;
import io.dynamicfs.engine.format.FeatureWords;
import io.dynamicfs.engine.format.Identity;
import io.dynamicfs.engine.format.PoolRecord;
import io.dynamicfs.engine.format.Redundancy;
import io.dynamicfs.engine.format.RootRecord;
import io.dynamicfs.engine.format.RootRecordLayout;
import io.dynamicfs.engine.hash.Blake3;
import io.dynamicfs.engine.hash.Digest;
import io.dynamicfs.engine.tree.CorruptNodeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes pools and finds them again: which disks belong together, which root is the last one, and whether that can be known. The
 * devices that are handed in belong to the pool afterwards; when opening fails they are the caller's again.
 */
public final class PoolOpener {
    private static final Logger LOG = LoggerFactory.getLogger(PoolOpener.class);

    /** Disks from which a pool of one machine is made at most; the pool tree names each in its own record. */
    private static final int DISKS_MAX = 1024;

    private PoolOpener() {}

    /**
     * An opened pool, and the operations that the intent log holds beyond its root. {@code readOnlyReason} is set when the disks
     * use a feature that this version can only read.
     */
    public record Opened(
            PoolStore store,
            List<MemorySegment> logPayloads,
            @Nullable String logDamage,
            @Nullable String readOnlyReason) {}

    // Creating

    /** Formats the disks and makes them a pool of generation 1. Disks that carry something already are refused. */
    public static PoolStore create(
            EngineContext context,
            List<? extends BlockDevice> devices,
            String name,
            PoolRecord record,
            AddOptions options)
            throws PoolException {
        int fragments = record.redundancy().fragments();
        if (devices.size() < fragments) {
            throw new PoolException(
                    Reason.TOO_FEW_DISKS,
                    "redundancy " + record.redundancy() + " needs at least " + fragments + " disks, found "
                            + devices.size() + ": add disks, or choose a redundancy for " + devices.size());
        }
        if (devices.size() > DISKS_MAX) {
            throw new PoolException(
                    Reason.INVALID_ARGUMENT, "a pool has at most " + DISKS_MAX + " disks, not " + devices.size());
        }
        for (BlockDevice device : devices) {
            requireUsable(device, options);
        }
        UUID poolId = randomId(context);
        List<PoolMember> members = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            members.add(member(context, devices.get(i), poolId, i, name));
        }
        List<PoolMember> formatted = new ArrayList<>();
        try {
            for (PoolMember member : members) {
                formatted.add(member);
                format(member);
            }
            return firstGeneration(context, members, record);
        } catch (DeviceException | StoppedException e) {
            formatted.forEach(PoolOpener::unformat);
            throw new PoolException(
                    Reason.DISK_FAILED,
                    "the pool was not created, the disks are as free as before: " + e.getMessage(),
                    e);
        }
    }

    private static PoolStore firstGeneration(EngineContext context, List<PoolMember> members, PoolRecord record) {
        int losses = record.redundancy().losses();
        int copies = Math.min(Math.max(losses + 1, 3), members.size());
        List<Integer> indexes =
                members.stream().map(member -> member.disk().index()).toList();
        RootRecord nothing = new RootRecord(
                0,
                0,
                0,
                Digest.ZERO,
                true,
                context.clock().millis(),
                losses,
                copies,
                indexes.subList(0, Math.min(indexes.size(), 2 * losses + 1)),
                io.dynamicfs.engine.format.NodePointer.NONE,
                RootRecord.ChunkMap.NONE,
                RootRecord.Log.NONE,
                0,
                1,
                1);
        Identity pool = members.getFirst().identity();
        PoolStore store = new PoolStore(context, pool, members, nothing, new TreeMap<>());
        store.initialize(record);
        CommitRun run = store.beginCommit(new EmptyContent());
        while (run.step()) {
            // Every step up to the root record.
        }
        return store;
    }

    /** A commit without volumes. */
    private static final class EmptyContent implements CommitContent {
        @Override
        public List<Piece> gather() {
            return List.of();
        }

        @Override
        public Frozen freeze(Storer storer) {
            return new Frozen(List.of(), List.of(), Map.of(), 0);
        }

        @Override
        public List<MemorySegment> unstored() {
            return List.of();
        }

        @Override
        public void published(long generation) {
            // Nothing waits for it.
        }
    }

    /** Formats one more disk; the next commit makes it a member. */
    public static void add(PoolStore store, BlockDevice device, AddOptions options) throws PoolException {
        requireUsable(device, options);
        int index = store.disks().all().stream().mapToInt(PoolDisk::index).max().orElse(-1) + 1;
        PoolMember member = member(
                store.context(),
                device,
                store.identity().poolId(),
                index,
                store.identity().poolName());
        try {
            format(member);
        } catch (DeviceException e) {
            unformat(member);
            throw new PoolException(Reason.DISK_FAILED, "the disk was not added: " + e.getMessage(), e);
        }
        store.addMember(member);
    }

    private static void requireUsable(BlockDevice device, AddOptions options) throws PoolException {
        if (device.sizeBytes() < DiskGeometry.DISK_BYTES_MIN) {
            throw new PoolException(
                    Reason.DISK_TOO_SMALL,
                    device.name() + " is too small: expected at least " + DiskGeometry.DISK_BYTES_MIN + " bytes, found "
                            + device.sizeBytes());
        }
        List<Signature> signatures;
        try {
            signatures = Signatures.find(device);
        } catch (DeviceException e) {
            throw new PoolException(Reason.DISK_FAILED, "what is on the disk cannot be read: " + e.getMessage(), e);
        }
        for (Signature signature : signatures) {
            if (signature.name().equals(Signatures.DYNAMICFS)) {
                requireNoOtherPool(device, options);
            } else if (!options.overwrite().contains(signature.name())) {
                throw new PoolException(
                        Reason.DISK_FOREIGN,
                        device.name() + " is not empty: expected no signature, found " + signature.name() + " at byte "
                                + signature.offset() + "; to destroy what is there, add --overwrite \""
                                + signature.name() + "\"");
            }
        }
    }

    private static void requireNoOtherPool(BlockDevice device, AddOptions options) throws PoolException {
        DiskLabelReading label = DiskLabels.read(device);
        String advice = "use another disk";
        if (label instanceof DiskLabelReading.Labelled labelled) {
            String poolId = labelled.identity().poolId().toString();
            if (options.overwrite().contains(poolId)) {
                return;
            }
            advice = "open that pool or destroy it, or take this disk from it for good with --overwrite " + poolId;
        }
        throw new PoolException(
                Reason.DISK_IN_POOL,
                device.name() + " is a disk of a DynamicFS pool already (" + label.describe() + "); " + advice);
    }

    private static PoolMember member(EngineContext context, BlockDevice device, UUID poolId, int index, String name) {
        long size = device.sizeBytes() / DiskGeometry.BLOCK_BYTES * DiskGeometry.BLOCK_BYTES;
        Identity identity = new Identity(
                FeatureWords.NONE,
                poolId,
                randomId(context),
                index,
                size,
                context.clock().millis(),
                name);
        return new PoolMember(poolDisk(context, device, identity, ""), identity);
    }

    private static PoolDisk poolDisk(EngineContext context, BlockDevice device, Identity identity, String reason) {
        long now = context.clock().millis();
        BlockDevice latched = new FailureLatch(device, () -> context.clock().millis() * 1_000_000L);
        return new PoolDisk(
                identity.diskIndex(),
                identity.diskId(),
                latched,
                identity.sizeBytes(),
                device.serial(),
                new PoolDisk.State(DiskHealth.HEALTHY, reason, now));
    }

    private static void format(PoolMember member) throws DeviceException {
        BlockDevice device = member.disk().device();
        if (device != null) {
            DiskLabels.format(device, member.identity());
        }
    }

    /** Takes the label off again. A disk that does not even take that is named in the log. */
    private static void unformat(PoolMember member) {
        BlockDevice device = member.disk().device();
        try {
            if (device != null) {
                DiskLabels.erase(device);
            }
        } catch (DeviceException e) {
            LOG.warn(
                    "label could not be removed: device={} reason=\"{}\"",
                    member.disk().name(),
                    e.getMessage());
        }
    }

    private static UUID randomId(EngineContext context) {
        long high = (context.random().nextLong() & ~0xF000L) | 0x4000L;
        long low = (context.random().nextLong() & ~(0b11L << 62)) | (0b10L << 62);
        return new UUID(high, low);
    }

    // Opening

    private record Candidate(BlockDevice device, Identity identity, RootRingReading ring) {}

    /** Finds the pool on the disks and its last root. Nothing is written. */
    public static Opened open(EngineContext context, List<? extends BlockDevice> devices, OpenOptions options)
            throws PoolException {
        Found found = find(devices, options);
        List<Candidate> candidates = found.members;
        RootRecord root = chooseRoot(found, options);
        List<PoolMember> members = new ArrayList<>();
        for (Candidate candidate : candidates) {
            PoolDisk disk =
                    poolDisk(context, candidate.device, candidate.identity, staleness(candidate, candidates, root));
            members.add(new PoolMember(disk, candidate.identity));
        }
        PoolStore store = load(context, members, root, candidates);
        List<PoolDisk> absent =
                store.disks().all().stream().filter(disk -> !disk.isPresent()).toList();
        if (!absent.isEmpty()) {
            found.requireKnownVersions();
        }
        requireEnough(found, store, absent, options);
        List<MemorySegment> payloads = List.of();
        String damage = null;
        if (!root.clean()) {
            IntentLog.Replay replay = IntentLog.replay(store.disks(), root.log(), root.incarnation(), Arena.ofAuto());
            payloads = replay.payloads();
            damage = replay.damage();
        }
        return new Opened(store, payloads, damage, readOnlyReason(candidates));
    }

    /** Without these disks some data cannot be read: whoever opens the pool shall know before anybody uses it. */
    private static void requireEnough(Found found, PoolStore store, List<PoolDisk> absent, OpenOptions options)
            throws PoolException {
        Redundancy policy = store.record().redundancy();
        if (absent.size() > policy.losses() && !options.degraded() && options.acceptRollback() == null) {
            throw new PoolException(
                    Reason.DISKS_MISSING,
                    "pool " + store.identity().poolName() + " with redundancy " + policy + " can do without "
                            + policy.losses() + " of its " + store.disks().all().size() + " disks, found that "
                            + absent.size() + " are missing: "
                            + absent.stream().map(PoolDisk::name).collect(Collectors.joining(", "))
                            + ". Bring them, or open with --degraded to read what is left"
                            + found.describeOthers());
        }
    }

    private static @Nullable String readOnlyReason(List<Candidate> candidates) {
        return candidates.stream()
                .filter(candidate -> !candidate.identity.features().writable())
                .map(candidate -> candidate.device.name() + " uses features that this version can only read: "
                        + FeatureWords.describe(candidate.identity.features().readOnlyCompatible()))
                .findFirst()
                .orElse(null);
    }

    /** The disks of the pool, and what is said of the others; those with labels of other versions may be its disks too. */
    private record Found(List<Candidate> members, List<String> others, List<String> otherVersions) {
        void requireKnownVersions() throws PoolException {
            if (!otherVersions.isEmpty()) {
                throw new PoolException(Reason.FORMAT_TOO_NEW, String.join("; ", otherVersions));
            }
        }

        String describeOthers() {
            return others.isEmpty() ? "" : ". Not used: " + String.join("; ", others);
        }
    }

    private static Found find(List<? extends BlockDevice> devices, OpenOptions options) throws PoolException {
        Map<UUID, List<Candidate>> pools = new LinkedHashMap<>();
        List<String> others = new ArrayList<>();
        List<String> otherVersions = new ArrayList<>();
        for (BlockDevice device : devices) {
            switch (DiskLabels.read(device)) {
                case DiskLabelReading.Labelled(Identity identity, var damaged) ->
                    pools.computeIfAbsent(identity.poolId(), id -> new ArrayList<>())
                            .add(new Candidate(device, identity, new RootRing(device, identity).read()));
                case DiskLabelReading other -> {
                    String description = device.name() + ": " + other.describe();
                    others.add(description);
                    if (other instanceof DiskLabelReading.Unusable unusable && unusable.isOfAnotherVersion()) {
                        otherVersions.add(description);
                    }
                }
            }
        }
        UUID wanted = options.poolId();
        if (wanted == null && pools.size() > 1) {
            throw new PoolException(
                    Reason.POOL_AMBIGUOUS,
                    "the disks belong to " + pools.size() + " pools: name one of "
                            + pools.values().stream()
                                    .map(list -> list.getFirst().identity.poolName() + " ("
                                            + list.getFirst().identity.poolId() + ")")
                                    .collect(Collectors.joining(", ")));
        }
        List<Candidate> members = wanted != null
                ? pools.get(wanted)
                : pools.isEmpty() ? null : pools.values().iterator().next();
        Found found = new Found(members == null ? List.of() : members, others, otherVersions);
        if (members == null) {
            found.requireKnownVersions();
            throw new PoolException(
                    Reason.POOL_NOT_FOUND,
                    "none of the " + devices.size() + " disks belongs to "
                            + (wanted == null ? "a pool" : "pool " + wanted)
                            + (others.isEmpty() ? "" : ": " + String.join("; ", others)));
        }
        others.forEach(other -> LOG.warn("disk is not used: {}", other));
        requireDistinct(members);
        for (Candidate member : members) {
            if (member.ring.holdsOtherVersions()) {
                throw new PoolException(
                        Reason.FORMAT_TOO_NEW,
                        member.device.name() + " was written by another version of DynamicFS: "
                                + member.ring.findings().getFirst().detail());
            }
        }
        return found;
    }

    private static void requireDistinct(List<Candidate> members) throws PoolException {
        Map<Integer, Candidate> seen = new HashMap<>();
        for (Candidate member : members) {
            Candidate twin = seen.put(member.identity.diskIndex(), member);
            if (twin != null) {
                throw new PoolException(
                        Reason.DISK_TWICE,
                        twin.device.name() + " and " + member.device.name() + " are both disk "
                                + member.identity.diskIndex() + " of pool " + member.identity.poolName()
                                + ": they are one disk under two names, or a copy; name only one of them");
            }
        }
    }

    /** The highest (epoch, generation) of all disks, when enough of its root disks are here to know that nothing is newer. */
    private static RootRecord chooseRoot(Found found, OpenOptions options) throws PoolException {
        List<Candidate> candidates = found.members;
        Long rollback = options.acceptRollback();
        Map<Digest, Long> holders = candidates.stream()
                .flatMap(candidate -> candidate.ring.roots().stream())
                .collect(Collectors.groupingBy(RootRecordLayout::sharedDigest, Collectors.counting()));
        // Of two openers' first roots only one can have reached a quorum.
        RootRecord root = candidates.stream()
                .flatMap(candidate -> candidate.ring.roots().stream())
                .filter(record -> rollback == null || record.generation() <= rollback)
                .min(RootRingReading.NEWEST_FIRST.thenComparing(
                        record -> holders.getOrDefault(RootRecordLayout.sharedDigest(record), 0L),
                        Comparator.reverseOrder()))
                .orElse(null);
        Candidate any = candidates.getFirst();
        if (root == null) {
            throw new PoolException(
                    Reason.DAMAGED,
                    "none of the " + candidates.size() + " disks of pool " + any.identity.poolName()
                            + " that are here has a root"
                            + (rollback == null ? "" : " of generation " + rollback + " or older")
                            + ": bring the missing disks, or destroy what was never finished");
        }
        Set<Integer> missing = new TreeSet<>(root.rootDisks());
        candidates.forEach(candidate -> missing.remove(candidate.identity.diskIndex()));
        int present = root.rootDisks().size() - missing.size();
        if (present < RootQuorum.majority(root.rootDisks()) && !options.degraded() && rollback == null) {
            throw new PoolException(
                    Reason.DISKS_MISSING,
                    "pool " + any.identity.poolName() + " has " + present + " of its "
                            + root.rootDisks().size()
                            + " root disks here, expected at least " + RootQuorum.majority(root.rootDisks())
                            + "; missing: "
                            + describe(missing, candidates, root)
                            + ". A newer state may be on them: bring them, or open with"
                            + " --degraded to go on from generation " + root.generation()
                            + found.describeOthers());
        }
        return root;
    }

    private static String describe(Set<Integer> missing, List<Candidate> candidates, RootRecord root) {
        Map<Integer, DiskRecord> known = knownDisks(candidates, root);
        return missing.stream()
                .map(index -> {
                    DiskRecord disk = known.get(index);
                    return "disk " + index
                            + (disk == null
                                    ? ""
                                    : " (" + (disk.serial().isEmpty() ? "no serial" : "serial " + disk.serial())
                                            + ", uuid " + disk.uuid() + ")");
                })
                .collect(Collectors.joining(", "));
    }

    /** What the root's own pool tree says of its disks, as far as it can be read. */
    private static Map<Integer, DiskRecord> knownDisks(List<Candidate> candidates, RootRecord root) {
        Map<Integer, DiskRecord> known = new HashMap<>();
        List<PoolDisk> disks = candidates.stream().map(PoolOpener::plainDisk).toList();
        try {
            for (DiskRecord disk :
                    PoolStore.readDiskRecords(new DiskSet(disks), readChunkMap(candidates, root), root)) {
                known.put(disk.index(), disk);
            }
        } catch (PoolException | CorruptNodeException | CorruptRecordException e) {
            LOG.debug("disk records cannot be read", e);
        }
        return known;
    }

    private static PoolDisk plainDisk(Candidate candidate) {
        return new PoolDisk(
                candidate.identity.diskIndex(),
                candidate.identity.diskId(),
                candidate.device,
                candidate.identity.sizeBytes(),
                "",
                new PoolDisk.State(DiskHealth.HEALTHY, "", 0));
    }

    private static PoolStore load(
            EngineContext context, List<PoolMember> members, RootRecord root, List<Candidate> candidates)
            throws PoolException {
        try {
            Identity pool = members.getFirst().identity();
            PoolStore store = new PoolStore(context, pool, members, root, readChunkMap(candidates, root));
            store.load(highestEpoch(candidates, root));
            return store;
        } catch (CorruptNodeException | CorruptRecordException e) {
            throw new PoolException(
                    Reason.DAMAGED, "generation " + root.generation() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** The highest epoch that any root on any disk has, also of those that are given up. */
    private static long highestEpoch(List<Candidate> candidates, RootRecord root) {
        return candidates.stream()
                .flatMap(candidate -> candidate.ring.roots().stream())
                .map(RootRecord::epoch)
                .max(Long::compareUnsigned)
                .orElse(root.epoch());
    }

    private static TreeMap<Long, List<BlockAddress>> readChunkMap(List<Candidate> candidates, RootRecord root)
            throws PoolException {
        RootRecord.ChunkMap map = root.chunkMap();
        int rounded =
                (map.bytes() + DiskGeometry.BLOCK_BYTES - 1) / DiskGeometry.BLOCK_BYTES * DiskGeometry.BLOCK_BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment blob = arena.allocate(rounded, DiskGeometry.BLOCK_BYTES);
            for (BlockAddress copy : map.copies()) {
                for (Candidate candidate : candidates) {
                    if (candidate.identity.diskIndex() == copy.disk() && readBlob(candidate.device, copy, blob, map)) {
                        return ChunkMapLayout.decode(
                                blob.asSlice(0, map.bytes()).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                    }
                }
            }
        }
        throw new PoolException(
                Reason.DAMAGED,
                "none of the " + map.copies().size() + " copies of the chunk map of generation " + root.generation()
                        + " can be read; an older generation may be complete: open with --accept-rollback "
                        + (root.generation() - 1));
    }

    private static boolean readBlob(
            BlockDevice device, BlockAddress copy, MemorySegment blob, RootRecord.ChunkMap map) {
        try {
            device.read(copy.offsetBytes(), blob);
            return Blake3.hash(blob.asSlice(0, map.bytes())).equals(map.digest());
        } catch (DeviceException e) {
            return false;
        }
    }

    /** Says of a root disk that it was away, or that it went on without the others, by what the rings hold. */
    private static String staleness(Candidate candidate, List<Candidate> all, RootRecord root) {
        if (candidate.ring.roots().isEmpty()) {
            return "";
        }
        RootRecord own = candidate.ring.roots().getFirst();
        boolean current = RootRecordLayout.sharedDigest(own).equals(RootRecordLayout.sharedDigest(root));
        if (current || !root.rootDisks().contains(candidate.identity.diskIndex())) {
            return "";
        }
        boolean forked = all.stream()
                .flatMap(other -> other.ring.roots().stream())
                .anyMatch(other -> other.generation() == own.generation()
                        && !RootRecordLayout.sharedDigest(other).equals(RootRecordLayout.sharedDigest(own)));
        String what = forked
                ? "it went on without the others to generation " + own.generation()
                        + ": what was written there is not used"
                : "it came back with generation " + own.generation() + ", the pool is at " + root.generation();
        LOG.warn(
                "disk has another root: disk={} device={} epoch={} reason=\"{}\"",
                candidate.identity.diskIndex(),
                candidate.device.name(),
                own.epoch(),
                what);
        return what;
    }
}
