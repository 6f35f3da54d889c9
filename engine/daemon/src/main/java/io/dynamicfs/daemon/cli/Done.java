package io.dynamicfs.daemon.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The JSON answer of commands that have nothing to show but that they did it. */
final class Done {
    private Done() {}

    static ObjectNode json(String verb, String object) {
        return JsonNodeFactory.instance.objectNode().put(verb, object);
    }
}
