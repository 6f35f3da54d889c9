package io.dynamicfs.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/** Resources compared as the API server would: by what is written of them. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    static boolean same(@Nullable Object left, @Nullable Object right) {
        return tree(left).equals(tree(right));
    }

    /** The same, but for some fields of the top level. */
    static boolean sameBut(@Nullable Object left, @Nullable Object right, String... fields) {
        return without(tree(left), fields).equals(without(tree(right), fields));
    }

    private static JsonNode tree(@Nullable Object value) {
        // Through text, so that 1 and 1L are the same number.
        try {
            return MAPPER.readTree(MAPPER.writeValueAsBytes(value));
        } catch (java.io.IOException e) {
            throw new IllegalStateException("a resource that came as JSON cannot be written as JSON", e);
        }
    }

    private static JsonNode without(JsonNode tree, String... fields) {
        if (tree instanceof ObjectNode object) {
            for (String field : fields) {
                object.remove(field);
            }
        }
        return tree;
    }
}
