package io.dynamicfs.daemon.cli;

/** A command that prints in the form asked for with {@code -o}. */
interface Reporting {
    Output output();
}
