package io.dynamicfs.daemon.control;

/** What does not change while an engine runs. */
public record EngineFacts(long startedMillis, String hashKernel, String erasureKernel) {}
