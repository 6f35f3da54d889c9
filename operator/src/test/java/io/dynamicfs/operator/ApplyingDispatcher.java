package io.dynamicfs.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.mockwebserver.dsl.HttpMethod;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The in-memory API server of the client library, which does not know server-side apply: here it is one field
 * manager's, replacing the parts that it names. Notes every write.
 */
final class ApplyingDispatcher extends KubernetesCrudDispatcher {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final List<String> writes = new ArrayList<>();

    /** METHOD path of everything that was written so far. */
    List<String> writes() {
        synchronized (writes) {
            return List.copyOf(writes);
        }
    }

    @Override
    public MockResponse dispatch(RecordedRequest request) {
        if (request.method() != HttpMethod.GET) {
            synchronized (writes) {
                writes.add(request.method() + " " + plainPath(request));
            }
        }
        return super.dispatch(request);
    }

    @Override
    public MockResponse handlePatch(RecordedRequest request) {
        String type = request.getHeader("Content-Type");
        return type != null && type.contains("apply-patch") ? apply(request) : super.handlePatch(request);
    }

    private MockResponse apply(RecordedRequest request) {
        try {
            String path = plainPath(request);
            boolean isStatus = path.endsWith("/status");
            String object = isStatus ? path.substring(0, path.length() - "/status".length()) : path;
            JsonNode patch = MAPPER.readTree(request.getUtf8Body());
            MockResponse existing = handleGet(object);
            if (existing.code() == 200) {
                ObjectNode merged =
                        (ObjectNode) MAPPER.readTree(existing.getBody().readUtf8());
                merge(merged, patch, isStatus);
                return handleUpdate(as(request, HttpMethod.PUT, path, merged));
            }
            String collection = object.substring(0, object.lastIndexOf('/'));
            return handleCreate(as(request, HttpMethod.POST, collection, patch));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void merge(ObjectNode existing, JsonNode patch, boolean isStatus) {
        if (isStatus) {
            existing.set("status", patch.get("status"));
            return;
        }
        for (Map.Entry<String, JsonNode> field : patch.properties()) {
            if (!field.getKey().equals("metadata")) {
                existing.set(field.getKey(), field.getValue());
            }
        }
        for (String field : List.of("labels", "annotations", "ownerReferences")) {
            JsonNode applied = patch.path("metadata").get(field);
            if (applied != null) {
                ((ObjectNode) existing.get("metadata")).set(field, applied);
            }
        }
    }

    private static RecordedRequest as(RecordedRequest request, HttpMethod method, String path, JsonNode body) {
        return new RecordedRequest(
                request.getHttpVersion(), method, path, request.getHeaders(), new Buffer().writeUtf8(body.toString()));
    }

    private static String plainPath(RecordedRequest request) {
        String path = request.getPath();
        int query = path.indexOf('?');
        return query < 0 ? path : path.substring(0, query);
    }
}
