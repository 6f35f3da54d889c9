package io.dynamicfs.daemon.control;

/** What does not change while an engine runs. {@code instance} is random: another engine has another one. */
public record EngineFacts(String instance, long startedMillis, String hashKernel, String erasureKernel) {}
