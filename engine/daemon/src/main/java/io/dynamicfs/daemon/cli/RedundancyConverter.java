package io.dynamicfs.daemon.cli;

import io.dynamicfs.engine.format.Redundancy;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A redundancy option such as {@code 3x} or {@code 4+2}. */
final class RedundancyConverter implements ITypeConverter<Redundancy> {
    @Override
    public Redundancy convert(String text) {
        try {
            return Redundancy.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
