package org.allod.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The endpoints that {@link FakeDaemon} may play, with their query parameters: {@code endpoints.txt}, which TokensTest in
 * {@code host} holds to what a real daemon describes.
 */
final class PlayedEndpoints {
    private static final List<List<String>> ALL = read();

    private PlayedEndpoints() {}

    private static List<List<String>> read() {
        try (var lines = Files.lines(Path.of("src/test/resources/endpoints.txt"))) {
            return lines.map(line -> List.of(line.split(" ", -1))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Fails where no daemon answers such a request: {@code METHOD /path?name=value}. Paths beside the API are free. */
    static void require(String line) {
        String method = line.substring(0, line.indexOf(' '));
        String target = line.substring(line.indexOf(' ') + 1);
        if (target.startsWith("/v1/") && ALL.stream().noneMatch(one -> matches(one, method, target))) {
            throw new AssertionError("no daemon has " + line + "; where that is new, add it to endpoints.txt");
        }
    }

    private static boolean matches(List<String> endpoint, String method, String target) {
        int query = target.indexOf('?');
        String path = query < 0 ? target : target.substring(0, query);
        List<String> names = query < 0
                ? List.of()
                : Arrays.stream(target.substring(query + 1).split("&", -1))
                        .map(pair -> pair.replaceFirst("=.*", ""))
                        .toList();
        return endpoint.get(0).equals(method)
                && path.matches(endpoint.get(1).replaceAll("\\{[a-z_]+}", "[^/]+"))
                && endpoint.containsAll(names);
    }
}
