package io.dynamicfs.engine.format;

/** What a volume's tree says of itself: the key of its {@link NameHash}. */
public record VolumeHeader(ByteString nameKey) {}
