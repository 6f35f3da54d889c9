package io.dynamicfs.csi.rpc;

import io.grpc.Status;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** One changing operation per volume at a time; a second one is told to come again. */
public final class VolumeLocks {
    private final ConcurrentMap<String, String> holders = new ConcurrentHashMap<>();

    /** Held until closed. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** Takes the lock of {@code volume} for {@code operation}, or refuses with ABORTED. */
    public Held acquire(String volume, String operation) throws Refusal {
        String other = holders.putIfAbsent(volume, operation);
        if (other != null) {
            throw new Refusal(
                    Status.Code.ABORTED,
                    "volume " + volume + ": expected no other operation, found " + other
                            + " at work; call again when it has ended");
        }
        return () -> holders.remove(volume);
    }
}
