package io.dynamicfs.daemon.cli;

import io.grpc.Status;

/** What the command's process returns. Numbers are stable; {@code docs/cli.md} and every {@code --help} list them. */
public enum ExitCode {
    OK(0, "done"),
    INTERNAL(1, "an error of DynamicFS itself; please report it"),
    USAGE(2, "wrong arguments"),
    NOT_FOUND(3, "no such pool, volume, disk or mount"),
    REFUSED(4, "refused: something has to be different first; nothing was changed"),
    UNREACHABLE(5, "no engine listens on the socket"),
    DAMAGED(6, "data is lost or unreadable"),
    DEGRADED(7, "works and all data is there, but redundancy is reduced"),
    INCAPABLE(8, "this machine lacks something: root, /dev/fuse, libfuse 2, JDK 25"),
    INTERRUPTED(130, "stopped from outside");

    private final int number;
    private final String meaning;

    ExitCode(int number, String meaning) {
        this.number = number;
        this.meaning = meaning;
    }

    public int number() {
        return number;
    }

    public String meaning() {
        return meaning;
    }

    /** The exit code of a call that the engine answered with {@code code}. */
    static ExitCode of(Status.Code code) {
        return switch (code) {
            case OK -> OK;
            case INVALID_ARGUMENT -> USAGE;
            case NOT_FOUND -> NOT_FOUND;
            case ALREADY_EXISTS, FAILED_PRECONDITION, RESOURCE_EXHAUSTED, OUT_OF_RANGE, ABORTED -> REFUSED;
            case UNAVAILABLE, DEADLINE_EXCEEDED -> UNREACHABLE;
            case DATA_LOSS -> DAMAGED;
            case PERMISSION_DENIED, UNAUTHENTICATED -> INCAPABLE;
            case CANCELLED -> INTERRUPTED;
            case UNKNOWN, INTERNAL, UNIMPLEMENTED -> INTERNAL;
        };
    }
}
