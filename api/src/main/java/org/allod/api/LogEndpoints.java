package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.runtime.LogFollower;
import org.allod.runtime.LogLine;
import org.allod.runtime.LogStore;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for machines' output. */
public final class LogEndpoints {
    private static final int MAX_TAIL = 10_000;
    private static final int DEFAULT_TAIL = 100;

    /** How often a follower checks whether its client has gone. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final Machines machines;
    private final LogStore logs;

    public LogEndpoints(Machines machines, LogStore logs) {
        this.machines = machines;
        this.logs = logs;
    }

    public List<Endpoint> endpoints() {
        return List.of(endpoint(
                HttpMethod.GET,
                "/v1/apps/{app_name}/machines/{machine_id}/logs",
                "Machines_logs",
                "What its main process wrote, oldest first; with follow, what it goes on to write",
                List.of("follow", "tail"),
                this::logs));
    }

    private Response logs(ApiRequest request) {
        Machine m = MachineEndpoints.machine(machines, request);
        int tail = request.number("tail", 0, MAX_TAIL, DEFAULT_TAIL);
        if (!request.flag("follow")) {
            List<LogLine> lines = logs.log(m.id()).tail(tail);
            return new Response.Lines(sink -> {
                for (LogLine line : lines) {
                    sink.line(view(line));
                }
            });
        }
        return new Response.Lines(sink -> follow(m, tail, sink));
    }

    private void follow(Machine m, int tail, Response.Lines.Sink sink) throws IOException, InterruptedException {
        try (LogFollower follower = logs.log(m.id()).follow(tail)) {
            while (sink.open() && !follower.ended()) {
                Optional<LogLine> line = follower.next(LOOK);
                if (line.isPresent()) {
                    sink.line(view(line.get()));
                }
            }
        }
    }

    private static ObjectNode view(LogLine line) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("at", line.time().toString())
                .put("stream", line.source().name().toLowerCase(Locale.ROOT))
                .put("text", line.text());
        return line.partial() ? node.put("partial", true) : node;
    }
}
