package io.dynamicfs.daemon.cli;

import io.dynamicfs.daemon.engine.Transports;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A transport such as {@code kernel}. */
final class TransportConverter implements ITypeConverter<Transports> {
    @Override
    public Transports convert(String text) {
        try {
            return Transports.of(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
