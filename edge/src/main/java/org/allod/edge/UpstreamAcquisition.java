package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * Finds one request a connection to a machine: asks {@link BackendSelector}, takes a place in the machine's load, dials or
 * takes a free connection, tries another machine where one refuses, and keeps the request in the {@link HoldLimit}
 * while a machine comes up. Ends in exactly one of {@link UpstreamRequester#onAcquired}, {@link UpstreamRequester#fail} and {@link #cancel}.
 * Belongs to one loop.
 */
final class UpstreamAcquisition {
    /** Different machines that one request knocks at before it settles on the last. */
    private static final int MAX_TRIED = 3;
    /** Times another request may take the place that was just chosen, before this one queues up instead. */
    private static final int MAX_RACES = 4;

    private final UpstreamRequester requester;
    private final ClientChannel client;
    private final EdgeLoop loop;
    private final String app;
    private List<MachineId> tried = List.of();

    private @Nullable AppRoute route;
    /** The machine whose load this request is part of. */
    private @Nullable BackendState backendState;

    private @Nullable Backend backend;
    private WakeResult.@Nullable Down lastDown;
    private @Nullable Throwable lastRefusal;

    private MachineWaker.@Nullable Wake wake;
    private boolean waiting;
    private boolean over;
    private @Nullable HoldLimit room;
    private int heldBytes;
    /** Why it waits, for the answer where it waits in vain. */
    private RoutingDecision.Because because = RoutingDecision.Because.IN_TRANSIT;

    /**
     * @param app the route's name, for messages
     */
    UpstreamAcquisition(UpstreamRequester requester, String app) {
        this.requester = requester;
        this.client = requester.client();
        this.loop = client.loop;
        this.app = app;
    }

    /** What the app says of this port; the usual before a route is found. */
    HttpOptions options() {
        return route == null ? HttpOptions.USUAL : route.app().http();
    }

    void start() {
        AppRoute found = requester.route();
        if (found == null) {
            fail(new ErrorResponse(
                    Problem.UNKNOWN_HOST,
                    "no app is named \"" + app + "\"",
                    "See what there is with: allod machine list"));
            return;
        }
        route = found;
        if (loop.closing()) {
            fail(new ErrorResponse(Problem.SHUTTING_DOWN, "this edge is going down"));
            return;
        }
        if (pinned(found)) {
            return;
        }
        for (int race = 0; race < MAX_RACES; race++) {
            switch (BackendSelector.choose(found, tried, loop.rng)) {
                case RoutingDecision.Send send -> {
                    if (take(found, send.index())) {
                        alsoWake(found, send.alsoWake());
                        connect();
                        return;
                    }
                }
                case RoutingDecision.Wake wake -> {
                    if (take(found, wake.index())) {
                        awaitMachine(true);
                        return;
                    }
                }
                case RoutingDecision.Hold hold -> {
                    if (awaitChange(hold.because())) {
                        return;
                    }
                }
                case RoutingDecision.Refuse refuse -> {
                    refuse(found, refuse.because());
                    return;
                }
            }
        }
        if (!awaitChange(RoutingDecision.Because.FULL)) {
            awaitChange(RoutingDecision.Because.FULL);
        }
    }

    /** Something changed while it waited. */
    void onCatalogChange() {
        if (waiting && !over) {
            start();
        }
    }

    /** The client sent more while it waits. */
    void accountBody(int bytes) {
        HoldLimit in = room;
        if (in != null && bytes > heldBytes) {
            if (!in.grow(bytes - heldBytes)) {
                requester.pause();
            }
            heldBytes = bytes;
        }
    }

    /** It waited long enough. */
    void onDeadline() {
        BackendState of = backendState;
        ErrorResponse answer = switch (because) {
            case FULL ->
                new ErrorResponse(
                        Problem.AT_CAPACITY,
                        "every machine of app \"" + app + "\" is at its hard limit, and none became free in time",
                        "Add machines, or raise hard_limit");
            case UNHEALTHY ->
                new ErrorResponse(
                        Problem.UNHEALTHY,
                        "machines of app \"" + app + "\" run, but none passes its health checks",
                        "See why with: allod machine list, and allod machine logs MACHINE");
            default ->
                new ErrorResponse(
                        Problem.STILL_STARTING,
                        (of == null ? "the machines of app \"" + app + "\" are" : "machine " + of.id + " is")
                                + " still not up after "
                                + MachineWaker.seconds(
                                        loop.context.config().times().hold()) + " s",
                        "See what it does with: allod fsm list");
        };
        fail(answer);
    }

    /** Gives everything back; nothing more is heard of it. */
    void cancel() {
        over = true;
        MachineWaker.Wake left = wake;
        if (left != null) {
            wake = null;
            left.leave();
        }
        unwait();
        leaveHold();
        release();
    }

    /** The request is over: its machine has room for another. */
    void release() {
        BackendState held = backendState;
        Backend of = backend;
        if (held == null || of == null) {
            return;
        }
        backendState = null;
        if (of.service().concurrency() == Service.Concurrency.REQUESTS) {
            held.release(loop.now());
            loop.context.nudgeAll();
        }
    }

    /** Opens a new connection to the same machine, because a kept one turned out to be closed. */
    void again() {
        loop.context.metrics().retries.increment();
        dial();
    }

    private boolean pinned(AppRoute found) {
        BackendState pin = client.pinned();
        if (pin == null) {
            return false;
        }
        int index = found.lives().indexOf(pin);
        boolean usable = index >= 0
                && found.backend(index).takesTraffic()
                && found.backend(index).service().concurrency() == Service.Concurrency.CONNECTIONS
                && !pin.draining()
                && !tried.contains(pin.id);
        if (!usable) {
            client.unpin();
            return false;
        }
        take(found, index);
        connect();
        return true;
    }

    /** Makes this request part of the machine's load. */
    private boolean take(AppRoute found, int index) {
        BackendState chosen = found.lives().get(index);
        Backend picture = found.backend(index);
        boolean taken = picture.service().concurrency() == Service.Concurrency.REQUESTS
                ? chosen.acquire(picture.service())
                : client.pin(chosen, picture.service());
        if (taken) {
            backendState = chosen;
            backend = picture;
            unwait();
        }
        return taken;
    }

    private void alsoWake(AppRoute found, int index) {
        if (index != RoutingDecision.NONE) {
            var _ = loop.context.wakes().wake(found.lives().get(index), found.backend(index), loop, true);
        }
    }

    private void connect() {
        UpstreamConnection free = theLive().pool(loop.index).take();
        if (free != null) {
            place(free);
        } else {
            dial();
        }
    }

    private void dial() {
        requester.deadline(ClientChannel.NEVER);
        int timeout = (int) loop.context.config().times().connect().toMillis();
        loop.dial(theLive(), theBackend().address(), timeout, this::onConnectResult);
    }

    private void onConnectResult(@Nullable UpstreamConnection upstream, @Nullable Throwable refused) {
        if (over) {
            if (upstream != null) {
                upstream.toPool();
            }
        } else if (upstream != null) {
            place(upstream);
        } else {
            lastRefusal = refused;
            another();
        }
    }

    /** This machine did not take it, and nothing was sent: the next one may. */
    private void another() {
        loop.context.metrics().retries.increment();
        BackendState refused = theLive();
        List<MachineId> more = new ArrayList<>(tried);
        more.add(refused.id);
        tried = more;
        if (tried.size() >= MAX_TRIED) {
            allTried();
            return;
        }
        giveUp();
        start();
    }

    /**
     * Every machine refused. Where the last was not given time yet, its process may just not listen yet: so it gets
     * that time, once.
     */
    private void allTried() {
        WakeResult.Down down = lastDown;
        if (down != null) {
            fail(new ErrorResponse(down.problem(), down.why(), hint(down.problem())));
        } else {
            awaitMachine(theBackend().service().autostart());
        }
    }

    private void giveUp() {
        BackendState refused = theLive();
        if (theBackend().service().concurrency() == Service.Concurrency.CONNECTIONS) {
            client.unpin();
            backendState = null;
        } else {
            release();
        }
        lastTried = refused;
    }

    private @Nullable BackendState lastTried;

    private void refuse(AppRoute found, RoutingDecision.Because why) {
        switch (why) {
            case ALL_TRIED -> {
                int index = lastTried == null ? -1 : found.lives().indexOf(lastTried);
                if (index >= 0 && take(found, index)) {
                    allTried();
                } else if (lastDown != null) {
                    fail(new ErrorResponse(lastDown.problem(), lastDown.why(), hint(lastDown.problem())));
                } else {
                    fail(unreachable());
                }
            }
            case NO_MACHINES ->
                fail(new ErrorResponse(
                        Problem.NO_MACHINES,
                        "app \"" + app + "\" has no machines",
                        "Run one with: allod machine run IMAGE --app " + app));
            case NOT_STARTED ->
                fail(new ErrorResponse(
                        Problem.NOT_STARTED,
                        "no machine of app \"" + app + "\" runs, and autostart is off",
                        "Start one with: allod machine start MACHINE"));
            case CORDONED ->
                fail(new ErrorResponse(
                        Problem.CORDONED,
                        "every machine of app \"" + app + "\" is cordoned",
                        "Let one take traffic again with: allod machine uncordon MACHINE"));
            case GONE, FULL, IN_TRANSIT, UNHEALTHY ->
                fail(new ErrorResponse(
                        Problem.MACHINE_GONE,
                        "the machines of app \"" + app + "\" have failed or are being destroyed",
                        "See which with: allod machine list"));
        }
    }

    private ErrorResponse unreachable() {
        Throwable why = lastRefusal;
        return new ErrorResponse(
                Problem.UNREACHABLE,
                "no machine of app \"" + app + "\" takes connections"
                        + (why == null ? "" : " (" + why.getClass().getSimpleName() + ")"));
    }

    static String hint(Problem problem) {
        return switch (problem) {
            case PORT_CLOSED ->
                "Its process must listen on that port on every address (0.0.0.0, or :: for IPv6), not only on"
                        + " 127.0.0.1; see what it does with: allod machine logs MACHINE";
            case WAKE_FAILED -> "See what happened with: allod fsm list";
            case UNREACHABLE -> "See whether it hangs with: allod machine logs MACHINE";
            default -> "";
        };
    }

    /** Waits in the hold room for this machine to come up, or only for its port. */
    private void awaitMachine(boolean ask) {
        because = RoutingDecision.Because.IN_TRANSIT;
        if (!enterHold()) {
            return;
        }
        BackendState of = theLive();
        MachineWaker.Wake joined = loop.context.wakes().wake(of, theBackend(), loop, ask);
        wake = joined;
        var _ = joined.result().whenComplete((result, never) -> {
            if (loop.inLoop()) {
                onWakeResult(of, result);
            } else {
                loop.execute(() -> onWakeResult(of, result));
            }
        });
    }

    private void onWakeResult(BackendState of, WakeResult result) {
        if (over || backendState != of) {
            return;
        }
        wake = null;
        switch (result) {
            case WakeResult.Up up -> {
                backend = up.backend();
                connect();
            }
            case WakeResult.Down down -> {
                lastDown = down;
                another();
            }
        }
    }

    /** Waits in the hold room until {@link #onCatalogChange}. False the first time: look again, now that it is counted. */
    private boolean awaitChange(RoutingDecision.Because why) {
        because = why;
        if (waiting) {
            return true;
        }
        if (!enterHold()) {
            return true;
        }
        waiting = true;
        loop.await(this);
        return false;
    }

    private void unwait() {
        if (waiting) {
            waiting = false;
            loop.forget(this);
        }
    }

    private boolean enterHold() {
        if (room != null) {
            return true;
        }
        HoldLimit entered = java.util.Objects.requireNonNull(route).room();
        int bytes = requester.heldBytes();
        if (!entered.enter(bytes)) {
            fail(new ErrorResponse(
                    Problem.TOO_MANY_WAITING,
                    "app \"" + app + "\" already has as many requests waiting for a machine as it may"));
            return false;
        }
        room = entered;
        heldBytes = bytes;
        EdgeCounters counters = loop.context.metrics();
        counters.held.increment();
        counters.heldNow.incrementAndGet();
        requester.deadline(loop.now() + loop.context.config().times().hold().toNanos());
        return true;
    }

    private void leaveHold() {
        HoldLimit left = room;
        if (left != null) {
            room = null;
            left.leave(heldBytes);
            loop.context.metrics().heldNow.decrementAndGet();
        }
    }

    private void place(UpstreamConnection upstream) {
        unwait();
        leaveHold();
        requester.onAcquired(upstream);
    }

    private void fail(ErrorResponse answer) {
        cancel();
        requester.fail(answer);
    }

    private BackendState theLive() {
        return java.util.Objects.requireNonNull(backendState);
    }

    private Backend theBackend() {
        return java.util.Objects.requireNonNull(backend);
    }
}
