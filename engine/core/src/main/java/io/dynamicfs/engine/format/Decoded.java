package io.dynamicfs.engine.format;

/** What reading a structure gave. Decoders answer every sequence of bytes with one of these and never throw. */
public sealed interface Decoded<T> {

    /** Intact and understood. */
    record Valid<T>(T value) implements Decoded<T> {}

    /** Nothing was ever written: all bytes are zero. */
    record Blank<T>() implements Decoded<T> {}

    /** Not what was written, or not ours. */
    record Corrupt<T>(String field, String expected, String actual) implements Decoded<T> {}

    /** Intact, written by a version that this one no longer reads. */
    record TooOld<T>(int version, int oldestVersion) implements Decoded<T> {}

    /** Intact, written by a later version. */
    record TooNew<T>(int version, int newestVersion) implements Decoded<T> {}

    /** Intact, with incompatible features that this version does not know; {@code features} are the unknown bits. */
    record UnknownFeatures<T>(long features) implements Decoded<T> {}

    /** What was expected, what was found, and what to do, for a message. */
    default String describe() {
        return switch (this) {
            case Valid<T> valid -> "valid";
            case Blank<T> blank -> "never written";
            case Corrupt<T> corrupt ->
                "corrupt: expected " + corrupt.field + " " + corrupt.expected + ", found " + corrupt.actual;
            case TooOld<T> old ->
                "expected format version " + old.oldestVersion + " or later, found " + old.version
                        + ": upgrade it with an earlier release of DynamicFS first";
            case TooNew<T> newer ->
                "expected format version " + newer.newestVersion + " or earlier, found " + newer.version
                        + ": use a newer release of DynamicFS";
            case UnknownFeatures<T> unknown ->
                "expected known incompatible features only, found also " + FeatureWords.describe(unknown.features)
                        + ": use a newer release of DynamicFS";
        };
    }
}
