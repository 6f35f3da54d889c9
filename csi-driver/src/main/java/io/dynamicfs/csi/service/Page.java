package io.dynamicfs.csi.service;

import io.dynamicfs.csi.rpc.Refusal;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A part of a list in the order of its keys. The token names the last key that was given, so that entries that come or go
 * between two pages neither hide nor double others. It is empty at the end.
 */
record Page<T>(List<T> entries, String nextToken) {
    private static final String PREFIX = "after:";

    static <T> Page<T> of(Map<String, T> all, String token, int entriesMax) throws Refusal {
        if (entriesMax < 0) {
            throw Refusal.invalid("max_entries: expected 0 or more, found " + entriesMax);
        }
        TreeMap<String, T> rest = new TreeMap<>(all);
        if (!token.isEmpty()) {
            rest = new TreeMap<>(rest.tailMap(key(token), false));
        }
        if (entriesMax == 0 || rest.size() <= entriesMax) {
            return new Page<>(List.copyOf(rest.values()), "");
        }
        List<Map.Entry<String, T>> page =
                rest.entrySet().stream().limit(entriesMax).toList();
        return new Page<>(
                page.stream().map(Map.Entry::getValue).toList(),
                token(page.getLast().getKey()));
    }

    private static String token(String key) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString((PREFIX + key).getBytes(StandardCharsets.UTF_8));
    }

    private static String key(String token) throws Refusal {
        try {
            String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
            if (text.startsWith(PREFIX)) {
                return text.substring(PREFIX.length());
            }
        } catch (IllegalArgumentException e) {
            // Not ours, as below.
        }
        throw new Refusal(
                Status.Code.ABORTED,
                "starting_token: expected one that this driver gave, found " + token + "; start anew");
    }
}
