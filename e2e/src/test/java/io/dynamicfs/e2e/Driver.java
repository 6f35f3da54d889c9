package io.dynamicfs.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The subcommands of {@code e2e/cluster/cluster}, for one cluster of its own. Nodes count from 1. */
final class Driver implements AutoCloseable {
    private static final Duration BUILD_LIMIT = Duration.ofMinutes(40);
    private static final Duration LIMIT = Duration.ofMinutes(6);

    private final Path script;
    private final Map<String, String> environment;

    Driver(Path repository, int nodes) {
        this.script = repository.resolve("e2e/cluster/cluster");
        long pid = ProcessHandle.current().pid();
        this.environment = Map.of(
                "CLUSTER_HOME", "/var/tmp/dynamicfs-cluster/e2e-" + pid,
                "CLUSTER_PORT", Integer.toString(freePort()),
                "CLUSTER_NODES", Integer.toString(nodes),
                "CLUSTER_OWNER", Long.toString(pid));
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Which cluster would be started here, or why none can be. */
    Shell.Result choice() {
        return Shell.run(LIMIT, environment, "", List.of(script.toString(), "driver"));
    }

    void up() {
        run(BUILD_LIMIT, "", "up");
    }

    Path kubeconfig() {
        return Path.of(shell("echo \"$KUBECONFIG\"").strip());
    }

    /** A line of shell with the cluster's programs (helm, kubectl) on its path and KUBECONFIG set. */
    String shell(String line) {
        return Shell.check(LIMIT, environment, "", shellCommand(line));
    }

    Shell.Result tryShell(String line) {
        return Shell.run(LIMIT, environment, "", shellCommand(line));
    }

    private List<String> shellCommand(String line) {
        return List.of("bash", "-c", "eval \"$(\"$0\" env)\" && " + line, script.toString());
    }

    String values() {
        return run("values");
    }

    void load(Path archive) {
        run("load", archive.toString());
    }

    String nodeName(int node) {
        return run("node", Integer.toString(node)).strip();
    }

    String exec(int node, String... command) {
        return run("exec", prepend(Integer.toString(node), command));
    }

    Shell.Result tryExec(int node, String... command) {
        return Shell.run(LIMIT, environment, "", command("exec", prepend(Integer.toString(node), command)));
    }

    /** What {@code kubectl} says when it reads a manifest from its input. */
    String kubectl(String input, String... arguments) {
        return run(LIMIT, input, "kubectl", arguments);
    }

    Shell.Result tryKubectl(String input, String... arguments) {
        return Shell.run(LIMIT, environment, input, command("kubectl", arguments));
    }

    /** The stable path of a new disk. */
    String addDisk(int node, String name, String size) {
        return run("disk", "add", Integer.toString(node), name, size).strip();
    }

    void failDisk(int node, String name) {
        run("disk", "fail", Integer.toString(node), name);
    }

    void removeDisk(int node, String name) {
        run("disk", "remove", Integer.toString(node), name);
    }

    void crash(int node) {
        run("crash", Integer.toString(node));
    }

    /** Returns when the node is Ready. */
    void boot(int node) {
        run("boot", Integer.toString(node));
    }

    void restart(String component) {
        run("restart", component);
    }

    List<String> components() {
        return run("components").lines().toList();
    }

    String logs(String component, int lines) {
        return Shell.run(LIMIT, environment, "", command("logs", component, Integer.toString(lines)))
                .output();
    }

    @Override
    public void close() {
        run("down");
    }

    private String run(String subcommand, String... arguments) {
        return run(LIMIT, "", subcommand, arguments);
    }

    private String run(Duration limit, String input, String subcommand, String... arguments) {
        return Shell.check(limit, environment, input, command(subcommand, arguments));
    }

    private List<String> command(String subcommand, String... arguments) {
        List<String> command = new ArrayList<>(List.of(script.toString(), subcommand));
        command.addAll(List.of(arguments));
        return command;
    }

    private static String[] prepend(String first, String... rest) {
        List<String> all = new ArrayList<>(List.of(first));
        all.addAll(List.of(rest));
        return all.toArray(String[]::new);
    }
}
