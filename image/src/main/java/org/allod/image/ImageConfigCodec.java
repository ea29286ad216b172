package org.allod.image;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Parses an image's configuration, and writes the part of it that is stored. Pure. */
final class ImageConfigCodec {
    private static final int MANY = 4096;

    private ImageConfigCodec() {}

    /**
     * A parsed image configuration.
     *
     * @param platform such as {@code linux/amd64}
     * @param layers the digests of the unpacked layers, lowest first
     */
    record Parsed(Image.Config config, String platform, List<Digest> layers) {}

    static Parsed parse(byte[] document) {
        JsonNode json = OciJson.parse(document, "configuration");
        List<Digest> layers = new ArrayList<>();
        JsonNode rootfs = json.path("rootfs");
        for (JsonNode layer : OciJson.list(rootfs, "diff_ids", "configuration")) {
            layers.add(Digest.parse(layer.isString() ? layer.stringValue() : "", "a layer of the configuration"));
        }
        String platform = OciJson.text(json, "os", "") + "/" + OciJson.text(json, "architecture", "");
        return new Parsed(config(json.path("config")), platform, layers);
    }

    private static Image.Config config(JsonNode json) {
        List<Integer> ports = new ArrayList<>();
        for (String port : names(json, "ExposedPorts")) {
            port(port, ports);
        }
        List<String> labels = new ArrayList<>();
        for (String label : names(json, "Labels")) {
            labels.add(label + "=" + OciJson.text(json.path("Labels"), label, ""));
        }
        return new Image.Config(
                texts(json, "Entrypoint"),
                texts(json, "Cmd"),
                texts(json, "Env"),
                OciJson.text(json, "WorkingDir", ""),
                OciJson.text(json, "User", ""),
                ports,
                OciJson.text(json, "StopSignal", ""),
                labels);
    }

    /**
     * Parses {@code 80}, {@code 80/tcp} and {@code 8000-8010/tcp}; ignores UDP ports, which a machine's edge cannot
     * serve.
     */
    private static void port(String text, List<Integer> into) {
        String number = text.endsWith("/tcp") ? text.substring(0, text.length() - 4) : text;
        if (number.endsWith("/udp") || number.endsWith("/sctp")) {
            return;
        }
        try {
            int dash = number.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? number : number.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(number.substring(dash + 1));
            if (first >= 1 && first <= last && last <= 65535) {
                for (int port = first; port <= last && into.size() < MANY; port++) {
                    into.add(port);
                }
                return;
            }
        } catch (NumberFormatException e) {
            // Reported below.
        }
        throw RejectedException.invalid("the image exposes an impossible port: " + UntrustedText.printable(text));
    }

    private static List<String> names(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        if (!value.isObject() || value.size() > MANY) {
            throw RejectedException.invalid("the image's " + field + " is not an object");
        }
        return value.propertyNames().stream().sorted().toList();
    }

    private static List<String> texts(JsonNode json, String field) {
        JsonNode value = json.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode item : OciJson.list(json, field, "configuration")) {
            // A process cannot receive a NUL: the rest of the string would be lost silently.
            if (!item.isString() || item.stringValue().indexOf(0) >= 0) {
                throw RejectedException.invalid("the image's " + field + " holds something other than text");
            }
            texts.add(item.stringValue());
        }
        return texts;
    }

    /** Writes a configuration in the form that {@link #parse} reads. */
    static ObjectNode write(Image.Config config, String platform, List<Digest> layers) {
        ObjectNode json = OciJson.MAPPER.createObjectNode();
        String[] parts = platform.split("/", 2);
        json.put("architecture", parts.length > 1 ? parts[1] : "").put("os", parts[0]);
        ObjectNode inner = json.putObject("config");
        put(inner, "Entrypoint", config.entrypoint());
        put(inner, "Cmd", config.cmd());
        put(inner, "Env", config.env());
        inner.put("WorkingDir", config.workingDir()).put("User", config.user()).put("StopSignal", config.stopSignal());
        ObjectNode ports = inner.putObject("ExposedPorts");
        config.exposedPorts().forEach(port -> ports.putObject(port + "/tcp"));
        ObjectNode labels = inner.putObject("Labels");
        for (String label : config.labels()) {
            int equals = label.indexOf('=');
            labels.put(label.substring(0, equals), label.substring(equals + 1));
        }
        ObjectNode rootfs = json.putObject("rootfs").put("type", "layers");
        ArrayNode ids = rootfs.putArray("diff_ids");
        layers.forEach(layer -> ids.add(layer.toString()));
        return json;
    }

    private static void put(ObjectNode json, String field, List<String> texts) {
        ArrayNode array = json.putArray(field);
        texts.forEach(array::add);
    }
}
