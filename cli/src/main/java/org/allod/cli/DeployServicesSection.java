package org.allod.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The part of a deploy file about traffic: services, their limits, and health checks. */
final class DeployServicesSection {
    private final TomlTable file;
    private final DeployGroupsSection all;

    DeployServicesSection(TomlTable file, DeployGroupsSection all) {
        this.file = file;
        this.all = all;
    }

    void read() {
        file.table("http_service").ifPresent(table -> {
            List<String> groups = all.of(table);
            all.add(groups, "services", httpService(table));
            table.done();
        });
        for (TomlTable table : file.tables("services")) {
            List<String> groups = all.of(table);
            all.add(groups, "services", service(table));
            table.done();
        }
        for (TomlTable table : file.tables("statics")) {
            List<String> groups = all.of(table);
            all.add(groups, "statics", statics(table));
            table.done();
        }
        checks();
    }

    /** Files of the image that the edge serves itself; only groups with services need them. */
    private static Json statics(TomlTable table) {
        table.refuse("tigris_bucket", "files are served from the image");
        return Json.obj(
                "guest_path",
                table.text("guest_path")
                        .orElseThrow(() -> table.refused("guest_path", "is missing", "a folder of the image")),
                "url_prefix",
                table.text("url_prefix")
                        .orElseThrow(() -> table.refused("url_prefix", "is missing", "where requests begin")),
                "index_document",
                table.text("index_document").orElse(null));
    }

    private static Json httpService(TomlTable table) {
        Map<String, Object> service = common(table);
        service.put("protocol", "tcp");
        Optional<Boolean> https = table.truth("force_https").filter(force -> force);
        Optional<Json> http = table.plain("http_options");
        service.put(
                "ports",
                List.of(
                        Json.obj(
                                "port",
                                80,
                                "handlers",
                                List.of("http"),
                                "force_https",
                                https.orElse(null),
                                "http_options",
                                http.orElse(null)),
                        Json.obj(
                                "port",
                                443,
                                "handlers",
                                List.of("tls", "http"),
                                "tls_options",
                                table.plain("tls_options").orElse(null),
                                "http_options",
                                http.orElse(null))));
        List<Json> checks = new ArrayList<>();
        table.tables("checks").forEach(check -> checks.add(check(check, Optional.of("http"))));
        table.refuse("machine_checks", "a check asks over the network");
        if (!checks.isEmpty()) {
            service.put("checks", checks);
        }
        return Json.of(service);
    }

    private static Json service(TomlTable table) {
        Map<String, Object> service = common(table);
        service.put("protocol", table.oneOf("protocol", List.of("tcp", "udp")).orElse("tcp"));
        List<Json> ports = new ArrayList<>();
        for (TomlTable port : table.tables("ports")) {
            ports.add(port(port));
            port.done();
        }
        service.put("ports", ports);
        List<Json> checks = new ArrayList<>();
        table.tables("http_checks").forEach(check -> checks.add(check(check, Optional.of("http"))));
        table.tables("tcp_checks").forEach(check -> checks.add(check(check, Optional.of("tcp"))));
        if (!checks.isEmpty()) {
            service.put("checks", checks);
        }
        table.refuse("script_checks", "a check asks over the network");
        table.refuse("machine_checks", "a check asks over the network");
        return Json.of(service);
    }

    private static Map<String, Object> common(TomlTable table) {
        Map<String, Object> service = new LinkedHashMap<>();
        int port = table.whole("internal_port", 1, 65_535)
                .orElseThrow(() -> table.refused("internal_port", "is missing", "the port the program listens on"));
        service.put("internal_port", port);
        service.put("autostart", table.truth("auto_start_machines").orElse(true));
        service.put("autostop", autostop(table));
        table.whole("min_machines_running", 0, 1_000).ifPresent(n -> service.put("min_machines_running", n));
        table.table("concurrency").ifPresent(limits -> {
            service.put(
                    "concurrency",
                    Json.obj(
                            "type",
                            limits.oneOf("type", List.of("connections", "requests"))
                                    .orElse(null),
                            "soft_limit",
                            limits.whole("soft_limit", 1, 1_000_000).orElse(null),
                            "hard_limit",
                            limits.whole("hard_limit", 1, 1_000_000).orElse(null)));
            limits.done();
        });
        return service;
    }

    /** A mode, or a boolean as in older files. */
    private static String autostop(TomlTable table) {
        if (table.isTruth("auto_stop_machines")) {
            return table.truth("auto_stop_machines").orElse(false) ? "stop" : "off";
        }
        return table.oneOf("auto_stop_machines", List.of("off", "stop", "suspend"))
                .orElse("off");
    }

    private static Json port(TomlTable table) {
        return Json.obj(
                "port",
                table.whole("port", 1, 65_535).orElse(null),
                "start_port",
                table.whole("start_port", 1, 65_535).orElse(null),
                "end_port",
                table.whole("end_port", 1, 65_535).orElse(null),
                "handlers",
                table.has("handlers") ? table.words("handlers") : null,
                "force_https",
                table.truth("force_https").orElse(null),
                "tls_options",
                table.plain("tls_options").orElse(null),
                "http_options",
                table.plain("http_options").orElse(null),
                "proxy_proto_options",
                table.plain("proxy_proto_options").orElse(null));
    }

    /** {@code [checks]}: by name, for all groups or those listed; on the first service's port unless one is given. */
    private void checks() {
        file.named("checks").forEach((name, table) -> {
            List<String> groups = all.of(table);
            boolean said = table.has("port");
            Json check = check(table, Optional.empty());
            for (String group : groups) {
                all.name(List.of(group), "checks", name, said ? check : atService(table, check, group));
            }
        });
    }

    private Json atService(TomlTable table, Json check, String group) {
        Map<String, Json> fields = new LinkedHashMap<>(check.map());
        fields.put(
                "port",
                all.servicePort(group)
                        .orElseThrow(() -> table.refused(
                                "port", "is missing", "group " + group + " has no service whose port it could be")));
        return new Json.Obj(fields);
    }

    private static Json check(TomlTable table, Optional<String> type) {
        Map<String, String> headers = table.texts("headers");
        List<Json> list = new ArrayList<>();
        headers.forEach((name, value) -> list.add(Json.obj("name", name, "values", List.of(value))));
        table.whole("restart_limit", 0, 1_000_000)
                .filter(limit -> limit > 0)
                .ifPresent(limit -> table.warn(
                        "restart_limit", "a failing check takes a machine out of traffic and restarts nothing"));
        Json check = Json.obj(
                "type",
                type.or(() -> table.oneOf("type", List.of("http", "tcp")))
                        .orElseThrow(() -> table.refused("type", "is missing", "http or tcp")),
                "port",
                table.whole("port", 1, 65_535).orElse(null),
                "method",
                table.text("method").orElse(null),
                "path",
                table.text("path").orElse(null),
                "protocol",
                table.oneOf("protocol", List.of("http", "https")).orElse(null),
                "tls_server_name",
                table.text("tls_server_name").orElse(null),
                "tls_skip_verify",
                table.truth("tls_skip_verify").orElse(null),
                "interval",
                table.time("interval").orElse(null),
                "timeout",
                table.time("timeout").orElse(null),
                "grace_period",
                table.time("grace_period").orElse(null),
                "headers",
                list.isEmpty() ? null : list);
        table.done();
        return check;
    }
}
