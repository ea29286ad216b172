package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.fsm.Engine;
import org.allod.fsm.HistoryEvent;
import org.allod.fsm.RunFilter;
import org.allod.fsm.RunId;
import org.allod.fsm.RunSubscription;
import org.allod.fsm.RunView;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for the durable runs: what the host is doing, and why something is in its state. */
public final class RunEndpoints {
    private static final String ALL = "/v1/host/runs";
    private static final String ONE = ALL + "/{run_id}";

    /** How often a follower checks whether its client has gone. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final Engine engine;

    public RunEndpoints(Engine engine) {
        this.engine = engine;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "Runs_list",
                        "List runs, youngest first",
                        List.of("type", "subject", "active", "limit", "cursor"),
                        this::list),
                endpoint(HttpMethod.GET, ONE, "Runs_show", "Show a run and its events", List.of(), this::show),
                endpoint(
                        HttpMethod.GET,
                        ALL + "/watch",
                        "Runs_watch_all",
                        "Follow every run: a line for each change",
                        List.of(),
                        request -> new Response.Lines(sink -> follow(engine.watch(), sink, false))),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/watch",
                        "Runs_watch",
                        "Follow a run until it ends",
                        List.of(),
                        this::watch),
                endpoint(HttpMethod.POST, ONE + "/cancel", "Runs_cancel", "Cancel a run", List.of(), this::cancel));
    }

    private Response list(ApiRequest request) {
        RunFilter filter = request.flag("active") ? RunFilter.active() : RunFilter.all();
        if (request.query("type").isPresent()) {
            filter = filter.type(request.query("type").get());
        }
        if (request.query("subject").isPresent()) {
            filter = filter.subject(request.query("subject").get());
        }
        int limit = request.number("limit", 1, 1_000, 100);
        List<RunView> runs = engine.list(filter, request.query("cursor").map(RunEndpoints::id), limit);
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("runs");
        runs.forEach(run -> list.add(view(run)));
        if (runs.size() == limit) {
            body.put("next_cursor", runs.getLast().id().toString());
        }
        return Response.ok(body);
    }

    private Response show(ApiRequest request) {
        RunView run = run(request);
        ObjectNode body = view(run);
        ArrayNode events = body.putArray("events");
        engine.history(run.id()).forEach(event -> events.add(view(event)));
        return Response.ok(body);
    }

    private Response watch(ApiRequest request) {
        RunId id = run(request).id();
        return new Response.Lines(sink -> follow(engine.watch(id), sink, true));
    }

    /** Sends changes until the client leaves, or until the run it asked about ends. */
    private static void follow(RunSubscription subscription, Response.Lines.Sink sink, boolean untilOver)
            throws IOException, InterruptedException {
        try (subscription) {
            while (sink.open() && !subscription.closed()) {
                Optional<RunView> change = subscription.next(LOOK);
                if (change.isPresent()) {
                    sink.line(view(change.get()));
                }
                if (untilOver && change.filter(run -> !run.active()).isPresent()) {
                    return;
                }
            }
        }
    }

    private Response cancel(ApiRequest request) {
        RunView run = run(request);
        StrictJsonReader in = request.body();
        String cause =
                in.string("cause").orElse("cancelled by " + request.caller().name());
        in.done();
        engine.cancel(run.id(), cause);
        return Response.ok(view(engine.get(run.id()).orElse(run)));
    }

    private RunView run(ApiRequest request) {
        RunId id = id(request.parameter("run_id"));
        return engine.get(id)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no run " + id,
                        "ended runs are kept for a while only; GET /v1/host/runs lists them"));
    }

    private static RunId id(String text) {
        return RunId.parse(text)
                .orElseThrow(
                        () -> RejectedException.invalid("\"" + text + "\" is not a run's id: 26 letters and digits"));
    }

    static ObjectNode view(RunView run) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("id", run.id().toString())
                .put("type", run.type())
                .put("subject", run.subject())
                .put("phase", run.phase())
                .put("step", run.step())
                .put("attempt", run.attempt())
                .put("created_at", run.created().toString())
                .put("since", run.since().toString())
                .put("error", run.error());
        ArrayNode steps = node.putArray("steps");
        run.steps().forEach(steps::add);
        run.outcome().ifPresent(o -> node.put("outcome", o.word()).put("detail", o.detail()));
        run.queue().ifPresent(q -> node.put("queue", q));
        run.after().ifPresent(r -> node.put("after", r.toString()));
        run.parent().ifPresent(r -> node.put("parent", r.toString()));
        run.trace().ifPresent(t -> node.put("traceparent", t.traceparent()));
        return node;
    }

    static ObjectNode view(HistoryEvent event) {
        return MachineViews.JSON
                .objectNode()
                .put("at", event.at().toString())
                .put("kind", event.kind())
                .put("step", event.step())
                .put("attempt", event.attempt())
                .put("message", event.message());
    }
}
