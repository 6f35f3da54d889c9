package io.dynamicfs.engine.fs;

/** How deep a check goes: always every copy of every metadata node; with {@code data} every fragment of every extent too. */
public record CheckOptions(boolean data) {}
