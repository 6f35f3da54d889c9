package io.dynamicfs.operator;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;

/** What the pod tells the operator, in environment variables. */
record OperatorSettings(String namespace, String podName, int httpPort) {
    private static final int HTTP_PORT = 8080;

    static OperatorSettings from(Map<String, String> environment) {
        return new OperatorSettings(
                environment.getOrDefault("NAMESPACE", "dynamicfs-system"),
                environment.getOrDefault("POD_NAME", hostName()),
                port(environment.getOrDefault("HTTP_PORT", Integer.toString(HTTP_PORT))));
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            if (port >= 0 && port <= 65_535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // Answered below, like a number that is no port.
        }
        throw new IllegalArgumentException("expected HTTP_PORT to be a port from 0 to 65535, found \"" + text + "\"");
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "dynamicfs-operator";
        }
    }
}
