package io.dynamicfs.csi.keeper;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of one FUSE connection. {@code id} is a random number, unsigned decimal, that no other connection has;
 * {@code volume} is the volume's handle, {@code source} what mount(8) shows, {@code device} the superblock's major:minor.
 * {@code agreed} is null until the engine has answered the kernel's INIT.
 */
public record KeptConnection(
        String id,
        String volume,
        String source,
        String staging,
        String device,
        boolean readOnly,
        List<String> options,
        @Nullable String context,
        long sinceMillis,
        @Nullable Agreed agreed) {

    /** What INIT has agreed on; it is never negotiated again. */
    public record Agreed(int minor, int readAheadBytes, long features, int pagesMax) {}

    public KeptConnection {
        options = List.copyOf(options);
    }

    /** The engine knows the volume for sure; names of pools are not unique. */
    KeptConnection of(String handle) {
        return new KeptConnection(id, handle, source, staging, device, readOnly, options, context, sinceMillis, agreed);
    }

    KeptConnection agreedOn(Agreed values) {
        return new KeptConnection(id, volume, source, staging, device, readOnly, options, context, sinceMillis, values);
    }
}
