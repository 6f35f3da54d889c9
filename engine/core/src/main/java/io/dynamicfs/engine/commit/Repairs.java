package io.dynamicfs.engine.commit;

import io.dynamicfs.engine.extent.ReadObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** What reads found out about fragments, for the next commit to repair. Safe for several threads. */
final class Repairs implements ReadObserver {
    /** More are found again by the next read. */
    private static final int WAITING_MAX = 4096;

    record Request(long extent, int fragment) {}

    private final Set<Request> waiting = ConcurrentHashMap.newKeySet();
    private final AtomicLong badFragments = new AtomicLong();
    private final AtomicLong reconstructedReads = new AtomicLong();
    private final AtomicLong reconstructedBytes = new AtomicLong();
    private final AtomicLong repairedFragments = new AtomicLong();

    @Override
    public void fragmentIsBad(long extent, int fragment) {
        badFragments.incrementAndGet();
        if (waiting.size() < WAITING_MAX) {
            waiting.add(new Request(extent, fragment));
        }
    }

    @Override
    public void reconstructed(long bytes) {
        reconstructedReads.incrementAndGet();
        reconstructedBytes.addAndGet(bytes);
    }

    void repaired() {
        repairedFragments.incrementAndGet();
    }

    boolean isWaiting() {
        return !waiting.isEmpty();
    }

    /** Takes up to {@code count} requests. */
    List<Request> take(int count) {
        List<Request> taken = new ArrayList<>();
        for (Request request : waiting) {
            if (taken.size() == count) {
                break;
            }
            taken.add(request);
        }
        taken.forEach(waiting::remove);
        return taken;
    }

    long badFragments() {
        return badFragments.get();
    }

    long reconstructedReads() {
        return reconstructedReads.get();
    }

    long reconstructedBytes() {
        return reconstructedBytes.get();
    }

    long repairedFragments() {
        return repairedFragments.get();
    }
}
