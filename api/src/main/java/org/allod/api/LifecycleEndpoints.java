package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.ConfigReader;
import org.allod.machine.GoDuration;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.SignalNames;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.JsonNode;

/** Lifecycle operations on one machine. Each responds once the operation is durable. */
final class LifecycleEndpoints {
    private static final String ONE = MachineEndpoints.ONE;
    private static final Duration MAX_STOP = Duration.ofMinutes(5);

    private final Machines machines;

    LifecycleEndpoints(Machines machines) {
        this.machines = machines;
    }

    List<Endpoint> endpoints() {
        return List.of(
                endpoint(HttpMethod.POST, ONE + "/start", "Machines_start", "Start it", List.of(), this::start),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/resume",
                        "Machines_resume",
                        "Resume it from its saved memory",
                        List.of(),
                        this::resume),
                endpoint(HttpMethod.POST, ONE + "/stop", "Machines_stop", "Stop it", List.of(), this::stop),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/restart",
                        "Machines_restart",
                        "Restart it",
                        List.of("timeout", "signal", "force_stop"),
                        this::restart),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/suspend",
                        "Machines_suspend",
                        "Save its memory and stop it",
                        List.of(),
                        this::suspend),
                endpoint(HttpMethod.POST, ONE + "/signal", "Machines_signal", "Signal it", List.of(), this::signal),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/cordon",
                        "Machines_cordon",
                        "Take it out of routing",
                        List.of(),
                        request -> cordon(request, true)),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/uncordon",
                        "Machines_uncordon",
                        "Put it back into routing",
                        List.of(),
                        request -> cordon(request, false)));
    }

    private Machine machine(ApiRequest request) {
        return MachineEndpoints.machine(machines, request);
    }

    private Response start(ApiRequest request) throws InterruptedException {
        Machine m = machine(request);
        request.nothing();
        machines.start(m, request.asker());
        return Response.ok(MachineViews.JSON
                .objectNode()
                .put("previous_state", m.state().wire())
                .put("migrated", false)
                .put("new_host", ""));
    }

    private Response resume(ApiRequest request) throws InterruptedException {
        Machine m = MachineEndpoints.living(machines, request);
        request.nothing();
        if (m.state() != MachineState.SUSPENDED && m.state() != MachineState.STARTED) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "cannot resume a machine that is " + m.state().wire(),
                    "start it instead");
        }
        machines.start(m, request.asker());
        return Response.ok(
                MachineViews.JSON.objectNode().put("previous_state", m.state().wire()));
    }

    private Response stop(ApiRequest request) throws InterruptedException {
        Machine m = machine(request);
        StrictJsonReader in = request.body();
        Optional<Integer> signal = signal(in);
        // fly-go sends "0s" if its caller sets no timeout.
        Optional<Duration> timeout = timeout(in).filter(d -> !d.isZero());
        // It also repeats the machine's id.
        in.oneOf("id", List.of("", m.id().text()));
        in.done();
        machines.stop(m, signal, timeout, request.asker());
        return MachineEndpoints.ok();
    }

    /** Accepts parameters in the query, as the interface declares, or in a body, as some clients send them. */
    private Response restart(ApiRequest request) throws InterruptedException {
        Machine m = machine(request);
        StrictJsonReader in = request.body();
        Optional<Integer> signal = request.query("signal")
                .map(s -> ConfigReader.signal("signal", s))
                .or(() -> signal(in));
        in.skip("signal");
        Optional<Duration> sent = timeout(in);
        boolean force = in.bool("force_stop").orElse(false) || request.flag("force_stop");
        in.done();
        Optional<Duration> timeout = request.query("timeout")
                .map(text -> GoDuration.parse(text)
                        .filter(d -> d.compareTo(MAX_STOP) <= 0)
                        .orElseThrow(() -> RejectedException.invalid(
                                "timeout is \"%s\": it must be a duration such as 10s, at most 5m"
                                        .formatted(StrictJsonReader.clip(text)))))
                .or(() -> sent);
        machines.restart(m, signal, force ? Optional.of(Duration.ZERO) : timeout, request.asker());
        return MachineEndpoints.ok();
    }

    private Response suspend(ApiRequest request) throws InterruptedException {
        request.nothing();
        machines.suspend(machine(request), request.asker());
        return MachineEndpoints.ok();
    }

    private Response signal(ApiRequest request) {
        Machine m = machine(request);
        StrictJsonReader in = request.body();
        int signal = signal(in)
                .orElseThrow(() ->
                        RejectedException.invalid("signal is missing: one of " + String.join(", ", SignalNames.NAMES)));
        in.done();
        machines.signal(m, signal, request.asker());
        return MachineEndpoints.ok();
    }

    /** A signal by name, or by number, as some clients send it. */
    private static Optional<Integer> signal(StrictJsonReader in) {
        JsonNode json = in.json().get("signal");
        if (json != null && json.isIntegralNumber()) {
            in.skip("signal");
            return Optional.of(ConfigReader.signal("signal", json.toString()));
        }
        return in.string("signal").filter(s -> !s.isEmpty()).map(s -> ConfigReader.signal("signal", s));
    }

    private static Optional<Duration> timeout(StrictJsonReader in) {
        return in.duration("timeout", MAX_STOP).map(d -> ConfigReader.stopTime("timeout", d));
    }

    private Response cordon(ApiRequest request, boolean cordoned) {
        request.nothing();
        machines.cordon(machine(request), cordoned, request.asker());
        return MachineEndpoints.ok();
    }
}
