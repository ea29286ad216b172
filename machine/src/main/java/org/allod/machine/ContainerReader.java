package org.allod.machine;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.allod.base.RejectedException;

/** Reads the containers of a machine, and refuses dependencies that no order can satisfy. */
final class ContainerReader {
    /** Each has a disk of its own in a microVM. */
    private static final int MOST = 16;

    private static final int MAX_SECONDS = 3_600;
    private static final int MAX_COUNT = 1_000;
    private static final String PLAIN = "the checks inside a machine speak plain HTTP";
    private static final String ELSEWHERE =
            "ask by exec, or with a check of the machine (config.checks), which speaks HTTPS";

    private ContainerReader() {}

    static List<ContainerConfig> read(StrictJsonReader config) {
        List<ContainerConfig> all = config.objects("containers", ContainerReader::container);
        String path = config.path("containers");
        if (all.size() > MOST) {
            throw RejectedException.invalid("%s has %d entries: at most %d".formatted(path, all.size(), MOST));
        }
        Set<String> names = new HashSet<>();
        for (ContainerConfig container : all) {
            if (!names.add(container.name())) {
                throw RejectedException.invalid("%s has two containers called %s".formatted(path, container.name()));
            }
        }
        ContainerOrder.check(path, all);
        return all;
    }

    private static ContainerConfig container(StrictJsonReader in) {
        String name = in.string("name").orElse("");
        if (!name.matches("[a-zA-Z0-9]([a-zA-Z0-9_-]{0,38}[a-zA-Z0-9])?")) {
            throw RejectedException.invalid("%s is \"%s\": it must be 1 to 40 letters, digits, hyphens and underscores"
                    .formatted(in.path("name"), StrictJsonReader.clip(name)));
        }
        return new ContainerConfig(
                name,
                in.string("image").orElse(""),
                InitReader.command(in),
                ConfigReader.env(in),
                in.objects("env_from", ProcessConfig.EnvFrom::read),
                SecretSelection.ofContainer(in),
                in.objects("files", FileConfigReader::file),
                in.string("user").orElse(""),
                in.objects("depends_on", ContainerReader::dependency),
                in.objects("healthchecks", ContainerReader::health),
                in.object("restart").map(InitReader::restart).orElse(InitReader.USUAL_RESTART),
                in.object("stop").map(InitReader::stop).orElse(InitReader.USUAL_STOP));
    }

    private static ContainerConfig.Dependency dependency(StrictJsonReader in) {
        return new ContainerConfig.Dependency(
                in.string("name")
                        .orElseThrow(() ->
                                RejectedException.invalid(in.path("name") + " is missing: a container to wait for")),
                in.oneOf("condition", List.of("", "started", "healthy", "exited_successfully"))
                        .filter(c -> !c.isEmpty())
                        .map(c -> ContainerConfig.Condition.valueOf(c.toUpperCase(Locale.ROOT)))
                        .orElse(ContainerConfig.Condition.STARTED));
    }

    private static ContainerConfig.Health health(StrictJsonReader in) {
        boolean liveness = in.oneOf("kind", List.of("", "readiness", "liveness"))
                .filter("liveness"::equals)
                .isPresent();
        boolean stops = in.oneOf("unhealthy", List.of("", "stop"))
                .filter("stop"::equals)
                .isPresent();
        return new ContainerConfig.Health(
                in.string("name").orElse("check"),
                liveness,
                question(in),
                seconds(in, "interval", 10),
                seconds(in, "timeout", 5),
                Duration.ofSeconds(in.integer("grace_period", 0, MAX_SECONDS).orElse(0)),
                count(in, "success_threshold", 1),
                count(in, "failure_threshold", 3),
                stops);
    }

    private static Duration seconds(StrictJsonReader in, String name, int usual) {
        return Duration.ofSeconds(
                in.integer(name, 0, MAX_SECONDS).filter(n -> n > 0).orElse(usual));
    }

    private static int count(StrictJsonReader in, String name, int usual) {
        return in.integer(name, 0, MAX_COUNT).filter(n -> n > 0).orElse(usual);
    }

    private static ContainerConfig.Question question(StrictJsonReader in) {
        Optional<StrictJsonReader> exec = in.object("exec");
        Optional<StrictJsonReader> tcp = in.object("tcp");
        Optional<StrictJsonReader> http = in.object("http");
        long said =
                List.of(exec, tcp, http).stream().filter(Optional::isPresent).count();
        if (said != 1) {
            throw RejectedException.invalid("%s asks %d things: say one of exec, http and tcp"
                    .formatted(in.path("name").replaceAll("\\.name$", ""), said));
        }
        if (exec.isPresent()) {
            List<String> argv = exec.get().strings("command");
            if (argv.isEmpty()) {
                throw RejectedException.invalid(exec.get().path("command") + " is missing: the command to run");
            }
            exec.get().done();
            return new ContainerConfig.Question.Exec(argv);
        }
        StrictJsonReader of = tcp.or(() -> http).orElseThrow();
        int port = of.integer("port", 1, 65_535)
                .orElseThrow(() -> RejectedException.invalid(of.path("port") + " is missing: the port to ask"));
        if (tcp.isPresent()) {
            of.done();
            return new ContainerConfig.Question.Tcp(port);
        }
        boolean https = of.oneOf("scheme", List.of("", "http", "https"))
                .filter("https"::equals)
                .isPresent();
        if (https) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED, of.path("scheme") + " is \"https\": " + PLAIN, ELSEWHERE);
        }
        of.bool("tls_skip_verify").filter(skip -> skip).ifPresent(skip -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED, of.path("tls_skip_verify") + ": " + PLAIN, ELSEWHERE);
        });
        of.string("tls_server_name").filter(n -> !n.isEmpty()).ifPresent(n -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED, of.path("tls_server_name") + ": " + PLAIN, ELSEWHERE);
        });
        ContainerConfig.Question question = new ContainerConfig.Question.Http(
                port, CheckReader.method(of), CheckReader.path(of), CheckReader.headers(of));
        of.done();
        return question;
    }
}
