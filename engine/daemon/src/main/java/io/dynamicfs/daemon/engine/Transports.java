package io.dynamicfs.daemon.engine;

import io.dynamicfs.engine.jnr.JnrTransport;
import io.dynamicfs.engine.mount.Transport;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The ways to mount that an engine can be started with. */
public enum Transports {
    /** The engine mounts and speaks the kernel's protocol by itself. */
    KERNEL,

    /** libfuse 2 mounts, with fusermount's help for users other than root. */
    JNR;

    /** The transport called {@code text}; an {@link IllegalArgumentException} is for the user. */
    public static Transports of(String text) {
        return Stream.of(values())
                .filter(transport -> transport.text().equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "expected one of " + String.join(", ", texts()) + ", found \"" + text + "\""));
    }

    public static List<String> texts() {
        return Stream.of(values()).map(Transports::text).toList();
    }

    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    Transport transport() {
        return switch (this) {
            case KERNEL -> Transport.KERNEL;
            case JNR -> new JnrTransport();
        };
    }
}
