package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** The option {@code -o}: every command that prints has it. */
final class Output {
    enum Format {
        text,
        json
    }

    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @Option(
            names = {"-o", "--output"},
            defaultValue = "text",
            paramLabel = "FORMAT",
            description = "How to print: ${COMPLETION-CANDIDATES}. JSON fields are stable.")
    private Format format = Format.text;

    boolean json() {
        return format == Format.json;
    }

    /** Prints {@code json} or calls {@code text}. */
    void print(PrintWriter out, JsonNode json, Consumer<PrintWriter> text) {
        if (json()) {
            out.println(render(json));
        } else {
            text.accept(out);
        }
        out.flush();
    }

    static String render(JsonNode json) {
        try {
            return MAPPER.writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree is always printable", e);
        }
    }
}
