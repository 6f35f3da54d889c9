package io.dynamicfs.csi.volume;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What a volume is called in its pool. */
public final class VolumeName {
    static final String SYNTAX = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    private static final String PREFIX = "csi-";
    private static final int DIGEST_CHARACTERS = 48;

    private VolumeName() {}

    /** The name that was asked for if the engine takes it, otherwise one that is computed from it; always the same. */
    public static String of(String requested) {
        if (requested.matches(SYNTAX)) {
            return requested;
        }
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(requested.getBytes(StandardCharsets.UTF_8));
            return PREFIX + HexFormat.of().formatHex(digest).substring(0, DIGEST_CHARACTERS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
