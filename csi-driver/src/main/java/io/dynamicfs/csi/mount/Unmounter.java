package io.dynamicfs.csi.mount;

import io.dynamicfs.csi.process.BoundedProcess;
import io.dynamicfs.csi.rpc.Refusal;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Unmounts in child processes: the last unmount of a volume waits until its dirty pages are written. */
public final class Unmounter {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration LOOK_LIMIT = Duration.ofSeconds(5);

    /** How to unmount. */
    public enum How {
        WHEN_UNUSED(""),
        /** Out of the tree at once; whoever has files open keeps them. */
        LAZILY("-l"),
        /** Ends the connection first: everything that waits for it gets an error. */
        BY_FORCE("-f");

        private final String flag;

        How(String flag) {
            this.flag = flag;
        }
    }

    /** What became of it. */
    public enum Result {
        UNMOUNTED,
        BUSY,
        /** The command waits in the kernel; the mount is gone when it is through. */
        WAITS
    }

    /** Whether a mount answers. */
    public enum Answer {
        ANSWERS,
        /** Its connection has ended: only unmounting is left. */
        DEAD,
        SILENT
    }

    /** Unmounts what is on top at {@code point}. Neither helpers nor the path's target are asked for anything. */
    public Result unmount(Path point, How how) throws Refusal {
        List<String> command = new ArrayList<>(List.of("umount", "-n", "-i", "-c"));
        if (!how.flag.isEmpty()) {
            command.add(how.flag);
        }
        command.add(point.toString());
        BoundedProcess.Outcome outcome = run(LIMIT, command);
        if (!outcome.ended()) {
            return Result.WAITS;
        }
        if (outcome.exitCode() == 0
                || outcome.output().contains("not mounted")
                || outcome.output().contains("no mount point")) {
            return Result.UNMOUNTED;
        }
        if (outcome.output().contains("busy")) {
            return Result.BUSY;
        }
        throw new Refusal(
                Status.Code.INTERNAL,
                "unmount of " + point + ": expected the kernel to accept it, found " + outcome.output()
                        + "; see the kernel log");
    }

    /** Asks the file system at {@code point} for its figures, which a FUSE mount never answers from a cache. */
    public Answer ask(Path point) throws Refusal {
        BoundedProcess.Outcome outcome = run(LOOK_LIMIT, List.of("stat", "-f", "-c", "%T", point.toString()));
        if (!outcome.ended()) {
            return Answer.SILENT;
        }
        return outcome.exitCode() == 0 ? Answer.ANSWERS : Answer.DEAD;
    }

    private static BoundedProcess.Outcome run(Duration limit, List<String> command) throws Refusal {
        try {
            return BoundedProcess.run(limit, command);
        } catch (IOException e) {
            throw new Refusal(
                    Status.Code.INTERNAL,
                    command.getFirst() + ": expected to run the command, found " + e
                            + "; install util-linux and coreutils",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Refusal(Status.Code.UNAVAILABLE, "this process ends; call again", e);
        }
    }
}
