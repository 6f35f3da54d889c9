package io.dynamicfs.csi;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The entry of the CSI driver's image. */
@Command(
        name = "dynamicfs-csi-driver",
        description = "The CSI driver of DynamicFS.",
        subcommands = {NodeCommand.class, ControllerCommand.class},
        mixinStandardHelpOptions = true,
        version = "dynamicfs-csi-driver")
public final class CsiMain {
    private CsiMain() {}

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new CsiMain()).execute(arguments));
    }
}
