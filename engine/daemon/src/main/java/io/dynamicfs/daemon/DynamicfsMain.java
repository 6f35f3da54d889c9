package io.dynamicfs.daemon;

import io.dynamicfs.daemon.cli.DynamicfsCommand;

/** The entry of the {@code dynamicfs} command. */
public final class DynamicfsMain {
    private DynamicfsMain() {}

    public static void main(String[] arguments) {
        System.exit(DynamicfsCommand.run(arguments));
    }
}
