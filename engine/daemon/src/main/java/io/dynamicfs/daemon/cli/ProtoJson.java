package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Locale;

/**
 * A control message as the JSON that {@code -o json} promises: camelCase names in the order of the proto, every field
 * present (absent optional ones are null), whole numbers as numbers, enums as lower-case words without their type's prefix.
 */
final class ProtoJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private ProtoJson() {}

    static ObjectNode of(Message message) {
        ObjectNode object = NODES.objectNode();
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            object.set(field.getJsonName(), value(message, field));
        }
        return object;
    }

    static ArrayNode of(List<? extends Message> messages) {
        ArrayNode array = NODES.arrayNode();
        messages.forEach(message -> array.add(of(message)));
        return array;
    }

    private static JsonNode value(Message message, FieldDescriptor field) {
        if (field.isRepeated()) {
            ArrayNode array = NODES.arrayNode();
            for (int i = 0; i < message.getRepeatedFieldCount(field); i++) {
                array.add(single(field, message.getRepeatedField(field, i)));
            }
            return array;
        }
        return field.hasPresence() && !message.hasField(field)
                ? NODES.nullNode()
                : single(field, message.getField(field));
    }

    private static JsonNode single(FieldDescriptor field, Object value) {
        return switch (field.getJavaType()) {
            case INT -> NODES.numberNode((Integer) value);
            case LONG -> NODES.numberNode((Long) value);
            case FLOAT -> NODES.numberNode((Float) value);
            case DOUBLE -> NODES.numberNode((Double) value);
            case BOOLEAN -> NODES.booleanNode((Boolean) value);
            case STRING -> NODES.textNode((String) value);
            case BYTE_STRING ->
                throw new IllegalArgumentException("no bytes in control messages: " + field.getFullName());
            case ENUM -> NODES.textNode(word((EnumValueDescriptor) value));
            case MESSAGE -> of((Message) value);
        };
    }

    /** POOL_STATE_READ_ONLY of PoolState is "read-only". */
    static String word(EnumValueDescriptor value) {
        String prefix =
                value.getType().getName().replaceAll("([a-z])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT);
        String name = value.getName();
        String bare = name.startsWith(prefix + "_") ? name.substring(prefix.length() + 1) : name;
        return bare.toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
