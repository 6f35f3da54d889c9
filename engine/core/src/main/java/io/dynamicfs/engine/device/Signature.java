package io.dynamicfs.engine.device;

/** Something that is on a disk already. {@code offset} in bytes is where its magic number is. */
public record Signature(String name, long offset) {
    @Override
    public String toString() {
        return name + " (at byte " + offset + ")";
    }
}
