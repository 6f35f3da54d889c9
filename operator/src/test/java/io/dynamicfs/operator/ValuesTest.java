package io.dynamicfs.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class ValuesTest {
    @Test
    void redundanciesAreReadAsTheEngineReadsThem() {
        assertThat(Redundancy.parse("4+2")).contains(new Redundancy(4, 2));
        assertThat(Redundancy.parse("3x")).contains(new Redundancy(1, 2));
        assertThat(Redundancy.parse("3x").map(Redundancy::toString)).contains("3x");
        assertThat(Redundancy.parse("16+4").map(Redundancy::fragments)).contains(20);
        assertThat(Redundancy.parse("6x")).isEmpty();
        assertThat(Redundancy.parse("1+1")).isEmpty();
        assertThat(Redundancy.parse(null)).isEmpty();
    }

    @Test
    void bytesAreConvertedBetweenRedundancies() {
        Redundancy erasure = new Redundancy(4, 2);
        Redundancy copies = new Redundancy(1, 2);

        assertThat(copies.convert(60, erasure)).isEqualTo(30);
        assertThat(erasure.convert(30, copies)).isBetween(59L, 60L);
    }

    @Test
    void globsTakeEverythingElseLiterally() {
        assertThat(Glob.of("/dev/sd?").matches("/dev/sda")).isTrue();
        assertThat(Glob.of("/dev/sd?").matches("/dev/sdaa")).isFalse();
        assertThat(Glob.of("a.c*").matches("abc")).isFalse();
        assertThat(Glob.of("*").matches("")).isTrue();
        assertThat(Glob.of("a\\Eb").matches("a\\Eb")).isTrue();
    }

    @Test
    void listsInMessagesAreBounded() {
        assertThat(Texts.list(List.of("a", "b"))).isEqualTo("a, b");
        assertThat(Texts.list(Collections.nCopies(9, "a"))).isEqualTo("a, a, a, a, a, a, 3 more");
        assertThat(Texts.sentences(List.of("x".repeat(5000)))).hasSize(1024);
        assertThat(Texts.count(1, "disk")).isEqualTo("1 disk");
    }

    @Test
    void settingsComeFromTheEnvironment() {
        OperatorSettings settings =
                OperatorSettings.from(Map.of("NAMESPACE", "storage", "POD_NAME", "operator-0", "HTTP_PORT", "9000"));

        assertThat(settings).isEqualTo(new OperatorSettings("storage", "operator-0", 9000));
        assertThat(OperatorSettings.from(Map.of()).httpPort()).isEqualTo(8080);
        assertThatThrownBy(() -> OperatorSettings.from(Map.of("HTTP_PORT", "http")))
                .hasMessage("expected HTTP_PORT to be a port from 0 to 65535, found \"http\"");
    }

    @Test
    void healthReadinessAndMetricsAreServed() throws Exception {
        AtomicReference<Optional<String>> unready = new AtomicReference<>(Optional.of("starting"));
        try (HttpEndpoints endpoints = HttpEndpoints.start(0, unready::get, () -> "up 1\n");
                HttpClient http = HttpClient.newHttpClient()) {
            assertThat(get(http, endpoints, "/healthz").statusCode()).isEqualTo(200);
            assertThat(get(http, endpoints, "/readyz").statusCode()).isEqualTo(503);
            assertThat(get(http, endpoints, "/readyz").body()).isEqualTo("starting\n");
            unready.set(Optional.empty());
            assertThat(get(http, endpoints, "/readyz").statusCode()).isEqualTo(200);
            assertThat(get(http, endpoints, "/metrics").body()).isEqualTo("up 1\n");
        }
    }

    private static HttpResponse<String> get(HttpClient http, HttpEndpoints endpoints, String path) throws Exception {
        URI address = URI.create("http://127.0.0.1:" + endpoints.port() + path);
        return http.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
    }
}
