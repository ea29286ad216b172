package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** All endpoints, and the routing from a path to an endpoint. Immutable. */
public final class EndpointTable {
    private final List<Endpoint> endpoints;
    private final Node root = new Node();

    /** One segment of the paths: literal segments match first, then a parameter. */
    private static final class Node {
        final Map<String, Node> words = new HashMap<>();
        final Map<HttpMethod, Endpoint> here = new HashMap<>();
        Optional<Node> parameter = Optional.empty();
    }

    /** The result of routing a path. */
    public sealed interface Found {
        /** An endpoint and the values of its path's parameters. */
        record Hit(Endpoint endpoint, Map<String, String> parameters) implements Found {}

        /** The path exists, but not with this method. */
        record WrongMethod(Set<String> allowed) implements Found {}

        /** The path does not exist. */
        record Nothing() implements Found {}
    }

    public EndpointTable(List<Endpoint> endpoints) {
        this.endpoints = List.copyOf(endpoints);
        for (Endpoint endpoint : endpoints) {
            Node node = root;
            for (String segment : segments(endpoint.template())) {
                if (segment.startsWith("{")) {
                    Node next = node.parameter.orElseGet(Node::new);
                    node.parameter = Optional.of(next);
                    node = next;
                } else {
                    node = node.words.computeIfAbsent(segment, s -> new Node());
                }
            }
            if (node.here.put(endpoint.method(), endpoint) != null) {
                throw new IllegalArgumentException("two endpoints at " + endpoint.method() + " " + endpoint.template());
            }
        }
    }

    public List<Endpoint> endpoints() {
        return endpoints;
    }

    /**
     * Finds an endpoint by method and by the path's segments, each decoded separately. An endpoint for GET also serves
     * HEAD.
     */
    public Found find(HttpMethod method, List<String> path) {
        List<String> values = new ArrayList<>();
        Node node = root;
        for (String segment : path) {
            Node word = node.words.get(segment);
            if (word != null) {
                node = word;
            } else if (node.parameter.isPresent() && !segment.isEmpty()) {
                node = node.parameter.get();
                values.add(segment);
            } else {
                return new Found.Nothing();
            }
        }
        Endpoint endpoint = node.here.get(method);
        if (endpoint == null && method.equals(HttpMethod.HEAD)) {
            endpoint = node.here.get(HttpMethod.GET);
        }
        if (endpoint != null) {
            return new Found.Hit(endpoint, parameters(endpoint, values));
        }
        if (node.here.isEmpty()) {
            return new Found.Nothing();
        }
        Set<String> allowed = new TreeSet<>();
        node.here.keySet().forEach(m -> allowed.add(m.name()));
        if (allowed.contains("GET")) {
            allowed.add("HEAD");
        }
        return new Found.WrongMethod(allowed);
    }

    private static Map<String, String> parameters(Endpoint endpoint, List<String> values) {
        Map<String, String> parameters = new HashMap<>();
        int i = 0;
        for (String segment : segments(endpoint.template())) {
            if (segment.startsWith("{")) {
                parameters.put(segment.substring(1, segment.length() - 1), values.get(i++));
            }
        }
        return Map.copyOf(parameters);
    }

    /** Splits a path that begins with a slash. */
    static List<String> segments(String path) {
        return List.of(path.substring(1).split("/", -1));
    }
}
