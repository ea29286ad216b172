package org.allod.host;

import java.util.List;
import org.allod.api.HostEndpoints;
import org.allod.api.Response;
import org.allod.base.BelievedClock;
import org.allod.edge.Edge;
import org.allod.edge.EdgeStats;
import org.allod.fsm.Engine;
import org.allod.machine.BootAdmission;
import org.allod.machine.Machines;
import org.allod.observe.PrometheusEndpoint;
import org.allod.store.Database;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The data of {@code allod status} and {@code allod doctor}. */
final class HostStatus implements HostEndpoints.Facts {
    static final String VERSION = "0.1.0";

    private final HostConfig config;
    private final RuntimeSetup runtimes;
    private final Machines machines;
    private final Engine engine;
    private final Edge edge;
    private final Database database;
    private final BelievedClock clock;
    private final long began;
    private final DiskStatus disk;
    private final Daemon daemon;
    private final PrometheusEndpoint metrics;

    HostStatus(
            HostConfig config,
            RuntimeSetup runtimes,
            Machines machines,
            Engine engine,
            Edge edge,
            Database database,
            BelievedClock clock,
            long began,
            DiskStatus disk,
            IdleMemoryReleaser memory,
            Daemon daemon) {
        this.config = config;
        this.runtimes = runtimes;
        this.machines = machines;
        this.engine = engine;
        this.edge = edge;
        this.database = database;
        this.clock = clock;
        this.began = began;
        this.disk = disk;
        this.daemon = daemon;
        this.metrics = new PrometheusEndpoint(List.of(
                new DaemonMetrics(VERSION, config.region(), database.file(), clock, began),
                new MachineMetrics(machines, runtimes::refusedFlows),
                new RunMetrics(engine),
                new EdgeMetrics(edge),
                new ApiMetrics(daemon::apiStats),
                disk,
                memory,
                new LoopMetrics()));
    }

    @Override
    public Response.Text metrics() {
        return new Response.Text(200, PrometheusEndpoint.CONTENT_TYPE, metrics.text());
    }

    String region() {
        return config.region();
    }

    @Override
    public ObjectNode status() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("version", VERSION)
                .put("pid", ProcessHandle.current().pid())
                .put("uptime_seconds", (clock.monoNanos() - began) / 1_000_000_000L)
                .put("region", config.region())
                .put("data", config.data().toString())
                .put("database", database.file().toString())
                .put("api", daemon.addresses().get("api"))
                .put("edge", daemon.addresses().get("edge"))
                .put("domain", config.domain())
                .put("runtime", runtimes.chosen())
                .put("runtime_reason", runtimes.reason())
                .put("apps", machines.apps().size())
                .put("runs_active", engine.activeCount());
        body.putObject("clock")
                .put("believed", clock.believedWall().isPresent())
                .put("steady_seconds", clock.steady().toSeconds())
                .put("steps", clock.steps());
        ObjectNode counts = body.putObject("machines");
        machines.counts().forEach(counts::put);
        BootAdmission.Stats boots = machines.boots();
        ObjectNode waiting = body.putObject("boots")
                .put("bound", boots.bound())
                .put("running", boots.running())
                .putObject("waiting");
        boots.waiting().forEach((priority, count) -> waiting.put(priority.word(), count));
        disk.status(body);
        LoopMetrics.status(body);
        EdgeStats stats = edge.stats();
        body.putObject("edge_stats")
                .put("requests", stats.requests())
                .put("in_flight", stats.inFlight())
                .put("held", stats.held())
                .put("wakes", stats.wakes())
                .put("wake_failures", stats.wakeFailures())
                .put("stops", stats.stops())
                .put("connections", stats.openConnections());
        return body;
    }

    @Override
    public ObjectNode doctor(boolean probe) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ArrayNode checks = body.putArray("checks");
        DoctorChecks.host(checks);
        disk.doctor(checks);
        runtimes.report(probe, checks);
        boolean ok = true;
        for (var check : checks) {
            ok &= !check.get("status").stringValue().equals("failed");
        }
        body.put("ok", ok).put("runtime", runtimes.chosen()).put("runtime_reason", runtimes.reason());
        return body;
    }

    @Override
    public void clearAtEnd() {
        runtimes.clearAtEnd();
    }
}
