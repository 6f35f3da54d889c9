package io.dynamicfs.daemon.cli;

import io.dynamicfs.daemon.terminal.Sizes;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A size option in bytes; {@code none} is 0. */
final class SizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
        if (text.equalsIgnoreCase("none")) {
            return 0L;
        }
        try {
            return Sizes.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
