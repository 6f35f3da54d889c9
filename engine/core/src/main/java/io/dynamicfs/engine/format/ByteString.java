package io.dynamicfs.engine.format;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that do not change: a name, a link target, an attribute's value. */
public final class ByteString {
    public static final ByteString EMPTY = new ByteString(new byte[0]);

    private final byte[] bytes;

    private ByteString(byte[] bytes) {
        this.bytes = bytes;
    }

    public static ByteString of(byte[] bytes) {
        return new ByteString(bytes.clone());
    }

    public static ByteString of(String text) {
        return new ByteString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Takes the next {@code length} bytes of {@code source}. */
    public static ByteString read(ByteBuffer source, int length) {
        byte[] bytes = new byte[length];
        source.get(bytes);
        return new ByteString(bytes);
    }

    public void write(ByteBuffer target) {
        target.put(bytes);
    }

    public int length() {
        return bytes.length;
    }

    public boolean isEmpty() {
        return bytes.length == 0;
    }

    public byte at(int index) {
        return bytes[index];
    }

    public boolean contains(byte wanted) {
        for (byte one : bytes) {
            if (one == wanted) {
                return true;
            }
        }
        return false;
    }

    public byte[] toBytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ByteString that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The bytes as UTF-8 for messages; what is not printable ASCII or a letter is shown as {@code \xNN}. */
    @Override
    public String toString() {
        return printable(bytes);
    }

    /** As {@link #toString()}. */
    public static String printable(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') < 0 && text.codePoints().noneMatch(Character::isISOControl)) {
            return text;
        }
        StringBuilder shown = new StringBuilder(bytes.length + 16);
        for (byte one : bytes) {
            if (one >= 0x20 && one < 0x7F) {
                shown.append((char) one);
            } else {
                shown.append(String.format("\\x%02x", one & 0xFF));
            }
        }
        return shown.toString();
    }
}
