package io.dynamicfs.daemon.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** POOL/VOLUME on the command line. */
record VolumeName(String pool, String volume) {

    static final class Converter implements ITypeConverter<VolumeName> {
        @Override
        public VolumeName convert(String text) {
            int slash = text.indexOf('/');
            if (slash <= 0 || slash == text.length() - 1 || text.indexOf('/', slash + 1) >= 0) {
                throw new TypeConversionException("expected POOL/VOLUME such as tank/home, found \"" + text + "\"");
            }
            return new VolumeName(text.substring(0, slash), text.substring(slash + 1));
        }
    }

    @Override
    public String toString() {
        return pool + "/" + volume;
    }
}
