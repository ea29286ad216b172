package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * Finds a connection to a machine for one request: asks {@link BackendSelector}, adds the request to the machine's
 * load, takes a pooled connection or dials one, tries another machine if one refuses, and holds the request within the
 * {@link HoldLimit} while a machine comes up. Ends in exactly one of {@link UpstreamRequester#onAcquired}, {@link
 * UpstreamRequester#fail} and {@link #cancel}. Belongs to one loop.
 */
final class UpstreamAcquisition {
    /** Maximum different machines that one request tries before it settles on the last. */
    private static final int MAX_TRIED = 3;
    /** How often other requests may take the chosen machine's last free slot before this request is held instead. */
    private static final int MAX_RACES = 4;

    private final UpstreamRequester requester;
    private final ClientChannel client;
    private final EdgeLoop loop;
    private final String app;
    private List<MachineId> tried = List.of();

    private @Nullable AppRoute route;
    /** The machine whose load includes this request. */
    private @Nullable BackendState backendState;

    private @Nullable Backend backend;
    private WakeResult.@Nullable Down lastDown;
    private @Nullable Throwable lastRefusal;

    private MachineWaker.@Nullable Wake wake;
    private boolean waiting;
    private boolean over;
    private @Nullable HoldLimit holdLimit;
    private int heldBytes;
    /** Why the request waits; selects the error response if it waits in vain. */
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

    /** The app's options for this port; the defaults before a route is found. */
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

    /** Tries again, because something changed while the request waited. */
    void onCatalogChange() {
        if (waiting && !over) {
            start();
        }
    }

    /** Accounts for body bytes that the client sent while the request is held. */
    void accountBody(int bytes) {
        HoldLimit in = holdLimit;
        if (in != null && bytes > heldBytes) {
            if (!in.grow(bytes - heldBytes)) {
                requester.pause();
            }
            heldBytes = bytes;
        }
    }

    /** The hold time expired. */
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

    /** Cancels: releases everything, and no callback follows. */
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

    /** Removes the request from its machine's load. */
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

    /** Dials a new connection to the same machine, because a pooled one turned out to be closed. */
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

    /** Adds this request to the machine's load; returns false if the machine is full or draining. */
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
        UpstreamConnection free = chosenState().pool(loop.index).take();
        if (free != null) {
            place(free);
        } else {
            dial();
        }
    }

    private void dial() {
        requester.deadline(ClientChannel.NEVER);
        int timeout = (int) loop.context.config().times().connect().toMillis();
        loop.dial(chosenState(), chosenBackend().address(), timeout, this::onConnectResult);
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
            tryAnother();
        }
    }

    /** This machine did not accept the connection and nothing was sent, so another machine may be tried. */
    private void tryAnother() {
        loop.context.metrics().retries.increment();
        BackendState refused = chosenState();
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
     * Every machine refused. If the last was not given time to come up, its process may simply not listen yet, so the
     * request waits for it once.
     */
    private void allTried() {
        WakeResult.Down down = lastDown;
        if (down != null) {
            fail(new ErrorResponse(down.problem(), down.why(), hint(down.problem())));
        } else {
            awaitMachine(chosenBackend().service().autostart());
        }
    }

    private void giveUp() {
        BackendState refused = chosenState();
        if (chosenBackend().service().concurrency() == Service.Concurrency.CONNECTIONS) {
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

    /** Holds the request until this machine comes up, or only until its port accepts connections. */
    private void awaitMachine(boolean ask) {
        because = RoutingDecision.Because.IN_TRANSIT;
        if (!enterHold()) {
            return;
        }
        BackendState of = chosenState();
        MachineWaker.Wake joined = loop.context.wakes().wake(of, chosenBackend(), loop, ask);
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
                tryAnother();
            }
        }
    }

    /**
     * Holds the request until {@link #onCatalogChange}. Returns false the first time: the caller must then choose
     * again, because a change before the request was counted would be missed.
     */
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
        if (holdLimit != null) {
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
        holdLimit = entered;
        heldBytes = bytes;
        EdgeCounters counters = loop.context.metrics();
        counters.held.increment();
        counters.heldNow.incrementAndGet();
        requester.deadline(loop.now() + loop.context.config().times().hold().toNanos());
        return true;
    }

    private void leaveHold() {
        HoldLimit left = holdLimit;
        if (left != null) {
            holdLimit = null;
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

    private BackendState chosenState() {
        return java.util.Objects.requireNonNull(backendState);
    }

    private Backend chosenBackend() {
        return java.util.Objects.requireNonNull(backend);
    }
}
