package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.Bug;
import org.allod.base.ExecFrames;
import org.allod.base.RejectedException;
import org.allod.machine.ConfigReader;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.runtime.Exec;
import org.allod.runtime.ExecSpec;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestStats;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints that act on a running guest: commands and resource figures. */
public final class GuestEndpoints {
    private static final String ONE = "/v1/apps/{app_name}/machines/{machine_id}";
    private static final JsonMapper JSON = new JsonMapper();

    /** Maximum output of a command whose response is not streamed. */
    private static final int MAX_OUTPUT = 1 << 20;

    private static final int MAX_SECONDS = 3_600;
    private static final int DEFAULT_SECONDS = 60;

    private final Machines machines;
    private final ExecSlots slots;

    public GuestEndpoints(Machines machines, ExecSlots slots) {
        this.machines = machines;
        this.slots = slots;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.POST,
                        ONE + "/exec",
                        "Machines_exec",
                        "Run a command and answer when it has ended",
                        List.of(),
                        this::exec),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/exec/stream",
                        "Machines_exec_stream",
                        "Run a command with its streams on this connection (Upgrade: allod-exec/1)",
                        List.of(),
                        this::stream),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/stats",
                        "Machines_stats",
                        "What the guest uses now",
                        List.of(),
                        this::stats));
    }

    private Response exec(ApiRequest request) throws Exception {
        StrictJsonReader in = request.body();
        List<String> argv = argv(in);
        byte[] stdin = in.string("stdin").orElse("").getBytes(StandardCharsets.UTF_8);
        int seconds = in.integer("timeout", 0, MAX_SECONDS).filter(s -> s > 0).orElse(DEFAULT_SECONDS);
        String container = container(in, request);
        in.done();
        Machine m = MachineEndpoints.machine(machines, request);
        ExecSpec spec = new ExecSpec(argv, Map.of(), Optional.empty(), Optional.empty(), Optional.empty(), container);
        try (ExecSlots.Slot slot = slots.take(m.id(), request.caller());
                Exec exec = machines.withGuest(m, guest -> guest.exec(spec))) {
            FutureTask<Output> out = collect(exec.stdout(), slot);
            FutureTask<Output> err = collect(exec.stderr(), slot);
            Thread.ofVirtual().name("exec stdin").start(() -> feed(exec, stdin));
            ExitStatus exit = exec.exited().get(seconds, TimeUnit.SECONDS);
            if (exit.equals(ExitStatus.LOST)) {
                throw Machines.ended(m);
            }
            ObjectNode answer = MachineViews.JSON
                    .objectNode()
                    .put("exit_code", exit.code())
                    .put("exit_signal", exit.signal())
                    .put("stdout", out.get().text())
                    .put("stderr", err.get().text());
            if (out.get().cut() || err.get().cut()) {
                answer.put("truncated", true);
            }
            return Response.ok(answer);
        } catch (TimeoutException e) {
            throw RejectedException.because(
                    RejectedException.Reason.TIMEOUT,
                    "the command did not end within %d s and was killed".formatted(seconds),
                    "give a longer timeout, or use exec/stream");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case IOException lost ->
                    throw Machines.ended(m); // a command's streams fail this way only when its guest ends
                case null, default -> throw new Bug("unexpected failure of a command", e);
            }
        }
    }

    private static List<String> argv(StrictJsonReader in) {
        List<String> argv = in.strings("command");
        Optional<String> line = in.string("cmd").filter(c -> !c.isBlank());
        if (argv.isEmpty() && line.isPresent()) {
            return ConfigReader.runnable("cmd", ShellWords.words("cmd", line.get()));
        }
        if (argv.isEmpty()) {
            throw RejectedException.invalid("command is missing: the command and its arguments, as a list");
        }
        return ConfigReader.runnable("command", argv);
    }

    private static void feed(Exec exec, byte[] stdin) {
        try (var in = exec.stdin()) {
            in.write(stdin);
        } catch (IOException e) {
            // The command ended without reading all of its input, as many do.
        }
    }

    /** @param cut whether output beyond the limit was dropped */
    private record Output(String text, boolean cut) {}

    private static FutureTask<Output> collect(InputStream stream, ExecSlots.Slot slot) {
        FutureTask<Output> task = new FutureTask<>(() -> {
            ByteArrayOutputStream kept = new ByteArrayOutputStream();
            boolean cut = false;
            byte[] buffer = new byte[16 << 10];
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                // Read on to the end and drop the rest: a command must not block on a full pipe.
                int more = Math.min(n, MAX_OUTPUT - kept.size());
                if (!cut && slot.keep(more)) {
                    kept.write(buffer, 0, more);
                    cut = more < n;
                } else {
                    cut = true;
                }
            }
            return new Output(kept.toString(StandardCharsets.UTF_8), cut);
        });
        Thread.ofVirtual().name("exec output").start(task);
        return task;
    }

    private Response stream(ApiRequest request) throws IOException {
        if (!request.headers().getOrDefault("upgrade", "").equals(ExecFrames.PROTOCOL)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "this address speaks " + ExecFrames.PROTOCOL + " only",
                    "send Upgrade: " + ExecFrames.PROTOCOL + ", or use …/exec");
        }
        StrictJsonReader in = header(request);
        List<String> argv = argv(in);
        Map<String, String> env = in.map("env");
        boolean tty = in.bool("tty").orElse(false);
        int columns = in.integer("columns", 1, 10_000).orElse(80);
        int rows = in.integer("rows", 1, 10_000).orElse(24);
        Optional<String> user = in.string("user").filter(u -> !u.isEmpty());
        Optional<String> cwd = in.string("cwd").filter(c -> !c.isEmpty());
        String container = container(in, request);
        in.done();
        Optional<ExecSpec.Tty> terminal = tty ? Optional.of(new ExecSpec.Tty(columns, rows)) : Optional.empty();
        ExecSpec spec = new ExecSpec(argv, env, cwd, user, terminal, container);
        Machine m = MachineEndpoints.machine(machines, request);
        ExecSlots.Slot slot = slots.take(m.id(), request.caller());
        try {
            Exec exec = machines.withGuest(m, guest -> guest.exec(spec));
            return new Response.Upgrade(ExecFrames.PROTOCOL, (input, output) -> {
                try (slot) {
                    new ExecStream(exec, input, output).run();
                }
            });
        } catch (RuntimeException | Error e) {
            slot.close();
            throw e;
        }
    }

    /** The container or process in which a command runs; empty for the first. */
    private String container(StrictJsonReader in, ApiRequest request) {
        String name = in.string("container").orElse("");
        boolean outside = in.bool("machine").orElse(false);
        Machine m = MachineEndpoints.machine(machines, request);
        if (outside && !(name.isEmpty() && m.config().containers().isEmpty())) {
            in.refuse("machine", "the machine runs containers: name one in `container`");
        }
        if (!name.isEmpty()) {
            Set<String> names = new TreeSet<>();
            m.config().containers().forEach(c -> names.add(c.name()));
            m.config().processes().forEach(p -> names.add(p.name()));
            if (!names.contains(name)) {
                throw RejectedException.invalid("%s is \"%s\": %s"
                        .formatted(
                                in.path("container"),
                                name,
                                names.isEmpty() ? "the machine has no containers" : "the machine has " + names));
            }
        }
        return name;
    }

    private static StrictJsonReader header(ApiRequest request) {
        try {
            byte[] json = Base64.getUrlDecoder().decode(request.headers().getOrDefault("x-allod-exec", ""));
            return StrictJsonReader.of(JSON.readTree(json), "x-allod-exec");
        } catch (IllegalArgumentException | JacksonException e) {
            throw RejectedException.invalid(
                    "the header X-Allod-Exec must be JSON in base64url: {\"command\":[…],\"tty\":false,…}");
        }
    }

    private Response stats(ApiRequest request) {
        GuestStats s = machines.withGuest(MachineEndpoints.machine(machines, request), Guest::stats);
        return Response.ok(MachineViews.JSON
                .objectNode()
                .put("cpu_nanos", s.cpuNanos())
                .put("memory_bytes", s.memoryBytes())
                .put("memory_limit_bytes", s.memoryLimitBytes())
                .put("processes", s.processes())
                .put("network_received_bytes", s.networkReceivedBytes())
                .put("network_sent_bytes", s.networkSentBytes())
                .put("disk_bytes", s.diskBytes()));
    }
}
