package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.dynamicfs.daemon.Version;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "version",
        description = "The version of this command; status shows the running engine's.",
        footer = {"", "Example:", "  dynamicfs version -o json"})
@SuppressWarnings("NullAway.Init")
final class VersionCommand implements Callable<Integer>, Reporting {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Output output;

    @Override
    public Integer call() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("version", Version.text())
                .put("diskFormat", Version.DISK_FORMAT)
                .put("java", Runtime.version().toString());
        output.print(
                spec.commandLine().getOut(),
                json,
                out -> out.println("dynamicfs " + Version.text() + ", disk format " + Version.DISK_FORMAT + ", Java "
                        + Runtime.version()));
        return ExitCode.OK.number();
    }

    @Override
    public Output output() {
        return output;
    }
}
