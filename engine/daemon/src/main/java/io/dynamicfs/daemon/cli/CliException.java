package io.dynamicfs.daemon.cli;

/** Ends the command with a message and an exit code. {@code reason} is the stable name that JSON output carries. */
public final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ExitCode exitCode;
    private final String reason;

    public CliException(ExitCode exitCode, String reason, String message) {
        super(message);
        this.exitCode = exitCode;
        this.reason = reason;
    }

    public ExitCode exitCode() {
        return exitCode;
    }

    public String reason() {
        return reason;
    }
}
