package io.dynamicfs.crd.report;

/** An Event in the making; {@code reason} is one word in camel case. */
public record Note(boolean warning, String reason, String message) {
    public static Note normal(String reason, String message) {
        return new Note(false, reason, message);
    }

    public static Note warning(String reason, String message) {
        return new Note(true, reason, message);
    }
}
