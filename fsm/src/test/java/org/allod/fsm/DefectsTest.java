package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What other engines get wrong and what must survive a restart, on SQLite and real threads. A restart here is an engine
 * that shuts down without recording anything, which leaves the file as {@code kill -9} would.
 */
class DefectsTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final EngineOptions QUICK =
            EngineOptions.defaults().backoff(new Backoff(Duration.ofMillis(1), Duration.ofMillis(5)));

    @TempDir
    Path dir;

    private final SystemTimers timers = new SystemTimers();
    private final AtomicReference<Throwable> fatal = new AtomicReference<>();
    private Database database;
    private Engine engine;

    private void boot(EngineOptions options, RunType<?, ?>... types) {
        database = Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
        SystemClock clock = new SystemClock();
        engine = Engine.on(
                database, clock, timers, Rng.seeded(1), new IdGenerator(clock, Rng.seeded(2)), options, fatal::set);
        for (RunType<?, ?> type : types) {
            engine.register(type);
        }
        engine.resume();
    }

    private void restart(EngineOptions options, RunType<?, ?>... types) {
        assertThat(engine.shutdown(SOON)).isTrue();
        database.close();
        boot(options, types);
    }

    @AfterEach
    void close() {
        if (engine != null) {
            engine.close();
            database.close();
        }
        timers.close();
        assertThat(fatal.get()).isNull();
    }

    private static RunType.Builder<String, String> type(String name) {
        return RunType.named(name).codec(Codec.text(), Codec.text());
    }

    private static String forever(StepContext<String, String> c) throws InterruptedException {
        new CountDownLatch(1).await();
        return "";
    }

    @Test
    void await_archivedRunThatFailed_tellsHowItEnded() {
        var bad = type("bad")
                .step("s", c -> {
                    throw new Unrecoverable(Fault.USER, "no such image");
                })
                .build();
        boot(QUICK, bad);
        RunId id = engine.start(bad, "m", "");
        Outcome expected = new Outcome.Unrecoverable(Fault.USER, "no such image");
        assertThat(engine.await(id, SOON).outcome()).isEqualTo(expected);
        restart(QUICK, bad);
        assertThat(engine.await(id, SOON).outcome()).isEqualTo(expected);
        assertThat(engine.get(id).orElseThrow().outcome()).contains(expected);
    }

    @Test
    void resume_severalRunsOfAType_eachContinuesAtItsOwnStep() {
        List<String> executed = new ArrayList<>();
        var hold = type("t")
                .step("a", c -> c.request().equals("far") ? "a" : forever(c))
                .step("b", DefectsTest::forever)
                .build();
        var go = type("t")
                .step("a", c -> note(executed, c, "a"))
                .step("b", c -> note(executed, c, c.response().orElseThrow() + "b"))
                .build();
        boot(QUICK, hold);
        RunId far = engine.start(hold, "m1", "far");
        RunId near = engine.start(hold, "m2", "near");
        until(() -> engine.get(far).orElseThrow().step().equals("b"));
        restart(QUICK, go);

        assertThat(go.response(engine.await(far, SOON))).contains("ab");
        assertThat(go.response(engine.await(near, SOON))).contains("ab");
        assertThat(executed).containsExactlyInAnyOrder("m1.b", "m2.a", "m2.b");
    }

    private static String note(List<String> executed, StepContext<String, String> c, String answer) {
        synchronized (executed) {
            executed.add(c.subject() + "." + c.step());
        }
        assertThat(c.resumed()).isTrue();
        return answer;
    }

    @Test
    void resume_queuedRuns_keepTheirCap() {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        var hold = type("t").step("a", DefectsTest::forever).build();
        var go = type("t")
                .step("a", c -> {
                    most.accumulateAndGet(now.incrementAndGet(), Math::max);
                    Thread.sleep(5);
                    now.decrementAndGet();
                    return "";
                })
                .build();
        EngineOptions two = QUICK.queue("q", 2);
        boot(two, hold);
        List<RunId> ids = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            ids.add(engine.start(hold, "m" + i, "", StartOptions.none().queue("q")));
        }
        assertThat(engine.queues()).containsExactly(new QueueView("q", 2, 2, 8));
        restart(two, go);
        ids.forEach(id -> assertThat(engine.await(id, SOON).completed()).isTrue());
        assertThat(most).hasValueBetween(1, 2);
    }

    @Test
    void resume_afterFailures_keepsCountingAttempts() {
        AtomicInteger attempts = new AtomicInteger();
        var failing = type("t")
                .step("a", c -> {
                    attempts.set(c.attempt());
                    throw new IllegalStateException("no luck");
                })
                .build();
        boot(QUICK, failing);
        RunId id = engine.start(failing, "m", "");
        until(() -> attempts.get() >= 5);
        AtomicInteger after = new AtomicInteger();
        var works = type("t")
                .step("a", c -> {
                    after.set(c.attempt());
                    return "";
                })
                .build();
        restart(QUICK, works);
        engine.await(id, SOON);
        assertThat(after.get()).isGreaterThanOrEqualTo(attempts.get());
        // Equal failures are counted, not all written down: attempts 1, 2, 4, 8…
        assertThat(engine.history(id))
                .extracting(HistoryEvent::kind)
                .filteredOn("failed"::equals)
                .hasSizeBetween(3, 8);
    }

    @Test
    void resume_stepGone_failsAndNamesIt_andAnAddedOneIsNotRun() {
        var old = type("t")
                .step("a", c -> "a")
                .step("gone", DefectsTest::forever)
                .step("z", c -> "z")
                .finalizer("f", (c, outcome) -> {})
                .build();
        boot(QUICK, old);
        RunId id = engine.start(old, "m", "");
        until(() -> engine.get(id).orElseThrow().step().equals("gone"));
        List<String> executed = new ArrayList<>();
        var now = type("t")
                .step("a", c -> note(executed, c, "a"))
                .step("added", c -> note(executed, c, "added"))
                .step("z", c -> note(executed, c, "z"))
                .finalizer("f", (c, outcome) -> note(executed, c, "f"))
                .build();
        restart(QUICK, now);
        assertThat(engine.await(id, SOON).outcome()).isInstanceOfSatisfying(Outcome.Unrecoverable.class, o -> {
            assertThat(o.fault()).isEqualTo(Fault.SYSTEM);
            assertThat(o.detail()).contains("step 'gone' of t is not in this program");
        });
        assertThat(executed).containsExactly("m.f");
    }

    @Test
    void resume_finalizerGone_isNoSuccess_andTheOthersRun() {
        Semaphore go = new Semaphore(0);
        var old = type("t")
                .step("a", c -> "a")
                .finalizer("first", (c, outcome) -> forever(c))
                .finalizer("gone", (c, outcome) -> {})
                .finalizer("last", (c, outcome) -> {})
                .build();
        boot(QUICK, old);
        RunId id = engine.start(old, "m", "");
        until(() -> engine.get(id).orElseThrow().phase().equals("finalizing"));
        List<Outcome> seen = new ArrayList<>();
        var now = type("t")
                .step("a", c -> "a")
                .finalizer("first", (c, outcome) -> seen.add(outcome))
                .finalizer("last", (c, outcome) -> {
                    seen.add(outcome);
                    go.release();
                })
                .build();
        restart(QUICK, now);
        Outcome end = engine.await(id, SOON).outcome();
        go.acquireUninterruptibly();
        assertThat(end).isInstanceOf(Outcome.Unrecoverable.class);
        assertThat(end.detail()).contains("finalizer 'gone' of t is not in this program");
        assertThat(seen).containsExactly(new Outcome.Completed(), end);
    }

    @Test
    void resume_typeGone_isKeptShownAndHoldsItsSubject() {
        var old = type("t").step("a", DefectsTest::forever).build();
        boot(QUICK, old);
        RunId id = engine.start(old, "m", "");
        var same = type("u").action("t").step("a", c -> "").build();
        restart(QUICK, same);
        assertThat(engine.get(id).orElseThrow().phase()).isEqualTo("orphaned");
        assertThatThrownBy(() -> engine.start(same, "m", "")).hasMessageContaining(id.toString());
    }

    @Test
    void cancel_stepIgnoresNothing_isInterruptedAndFinalized() {
        Semaphore inside = new Semaphore(0);
        AtomicReference<Outcome> seen = new AtomicReference<>();
        var hung = type("t")
                .step("hang", c -> {
                    inside.release();
                    return forever(c);
                })
                .step("never", c -> {
                    throw new AssertionError("executed");
                })
                .finalizer("f", (c, outcome) -> seen.set(outcome))
                .build();
        boot(QUICK, hung);
        RunId id = engine.start(hung, "m", "");
        inside.acquireUninterruptibly();
        RunView view = engine.get(id).orElseThrow();
        assertThat(view.step()).isEqualTo("hang");
        assertThat(view.attempt()).isEqualTo(1);
        engine.cancel(id, "operator");
        assertThat(engine.await(id, SOON).outcome()).isEqualTo(new Outcome.Cancelled("operator"));
        assertThat(seen.get()).isEqualTo(new Outcome.Cancelled("operator"));
        assertThatThrownBy(() -> engine.cancel(id, "again"))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        r -> assertThat(r.reason()).isEqualTo(RejectedException.Reason.CONFLICT));
    }

    @Test
    void cancel_parent_cancelsItsActiveChildren() {
        var t = type("t").step("a", DefectsTest::forever).build();
        boot(QUICK, t);
        RunId parent = engine.start(t, "p", "");
        RunId child = engine.start(t, "c", "", StartOptions.none().parent(parent));
        assertThat(engine.children(parent)).containsExactly(child);
        engine.cancel(parent, "why");
        assertThat(engine.await(child, SOON).outcome()).isEqualTo(new Outcome.Cancelled("parent cancelled: why"));
    }

    @Test
    void shutdown_steps_recordsNothingAndResumesLater() {
        Semaphore inside = new Semaphore(0);
        var hold = type("t")
                .step("a", c -> {
                    inside.release();
                    return forever(c);
                })
                .build();
        boot(QUICK, hold);
        RunId id = engine.start(hold, "m", "");
        inside.acquireUninterruptibly();
        var go = type("t").step("a", c -> "" + c.attempt()).build();
        restart(QUICK, go);
        assertThat(go.response(engine.await(id, SOON))).contains("1");
        assertThat(engine.history(id)).extracting(HistoryEvent::kind).containsExactly("start", "step", "finish");
    }

    @Test
    void start_delayAfterAndTrace_surviveTheRestart() {
        List<String> order = new ArrayList<>();
        var t = type("t")
                .step("a", c -> {
                    synchronized (order) {
                        order.add(c.subject()
                                + c.trace().map(TraceContext::traceparent).orElse(""));
                    }
                    return "";
                })
                .build();
        boot(QUICK, t);
        String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        RunId late = engine.start(
                t,
                "late",
                "",
                StartOptions.none()
                        .delay(Duration.ofMillis(700))
                        .trace(TraceContext.parse(trace, "").orElseThrow()));
        RunId last = engine.start(t, "last", "", StartOptions.none().after(late));
        restart(QUICK, t);
        assertThat(engine.get(last).orElseThrow().phase()).isEqualTo("waiting");
        engine.await(last, SOON);
        assertThat(order).containsExactly("late" + trace, "last");
        assertThat(Duration.between(
                        engine.get(late).orElseThrow().created(),
                        engine.get(late).orElseThrow().since()))
                .isGreaterThanOrEqualTo(Duration.ofMillis(700));
    }

    @Test
    void trace_ofWhoeverStartsARun_isTheRunsAndItsChildrens_alsoAfterARestart() throws Exception {
        TraceContext trace = TraceContext.parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1")
                .orElseThrow();
        var child = type("child").step("a", c -> "").build();
        var parent = type("parent")
                .step("a", c -> engine.start(child, c.subject(), "").toString())
                .build();
        boot(QUICK, parent, child);
        RunId id = TraceContext.within(
                Optional.of(trace),
                () -> engine.start(parent, "m", "", StartOptions.none().delay(Duration.ofMillis(300))));
        assertThat(TraceContext.current()).isEmpty();
        restart(QUICK, parent, child);
        RunId started = RunId.parse(parent.response(engine.await(id, SOON)).orElseThrow())
                .orElseThrow();
        assertThat(engine.get(id).orElseThrow().trace()).contains(trace);
        assertThat(engine.get(started).orElseThrow().trace()).contains(trace);
    }

    @Test
    void start_badOptions_areRefusedSayingWhy() {
        var t = type("t").step("a", DefectsTest::forever).build();
        boot(QUICK.queue("q", 1).waiting(1).active(3), t);
        RunId unknown = RunId.parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").orElseThrow();
        refused(
                RejectedException.Reason.INVALID,
                "no queue 'x'",
                t,
                StartOptions.none().queue("x"));
        refused(
                RejectedException.Reason.NOT_FOUND,
                "wait for",
                t,
                StartOptions.none().after(unknown));
        refused(
                RejectedException.Reason.NOT_FOUND,
                "parent",
                t,
                StartOptions.none().parent(unknown));
        engine.start(t, "m1", "", StartOptions.none().queue("q"));
        engine.start(t, "m1", "", StartOptions.none().queue("q"));
        refused(
                RejectedException.Reason.CAPACITY,
                "wait in queue 'q'",
                t,
                StartOptions.none().queue("q"));
        engine.start(t, "m2", "");
        refused(RejectedException.Reason.CAPACITY, "active runs", t, StartOptions.none());
        assertThatThrownBy(() -> engine.await(unknown, SOON)).hasMessageContaining("no run");
        assertThatThrownBy(() -> engine.cancel(unknown, "")).hasMessageContaining("no run");
    }

    private void refused(RejectedException.Reason reason, String text, RunType<String, String> t, StartOptions how) {
        assertThatThrownBy(() -> engine.start(t, "new", "", how))
                .isInstanceOfSatisfying(
                        RejectedException.class, r -> assertThat(r.reason()).isEqualTo(reason))
                .hasMessageContaining(text);
    }

    @Test
    void await_timesOut_saysSo() {
        var t = type("t").step("a", DefectsTest::forever).build();
        boot(QUICK, t);
        RunId id = engine.start(t, "m", "");
        assertThatThrownBy(() -> engine.await(id, Duration.ofMillis(20)))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        r -> assertThat(r.reason()).isEqualTo(RejectedException.Reason.TIMEOUT));
    }

    @Test
    void history_overItsBound_forgetsTheOldestWithTheirEvents() {
        var t = type("t").step("a", c -> "").step("b", c -> "").build();
        boot(QUICK.history(10, Duration.ofDays(1)), t);
        RunId first = engine.start(t, "m", "");
        engine.await(first, SOON);
        for (int i = 0; i < 40; i++) {
            engine.await(engine.start(t, "m", ""), SOON);
        }
        until(() -> engine.list(RunFilter.all(), Optional.empty(), 100).size() <= 12);
        assertThat(engine.history(first)).isEmpty();
        assertThat(engine.get(first)).isEmpty();
        long events = database.read(tx ->
                tx.first("SELECT count(*) FROM event", row -> row.getLong(1)).orElseThrow());
        assertThat(events).isLessThanOrEqualTo(2 * 12);
    }

    @Test
    void watch_slowWatcher_losesTheOldestAndHoldsUpNobody() throws InterruptedException {
        var t = type("t").step("a", c -> "").step("b", c -> "").build();
        boot(QUICK.watch(4), t);
        try (RunSubscription slow = engine.watch()) {
            RunId last = engine.start(t, "m", "");
            engine.await(last, SOON);
            for (int i = 0; i < 9; i++) {
                last = engine.start(t, "m", "");
                engine.await(last, SOON);
            }
            assertThat(slow.lost()).isGreaterThan(10);
            RunView view = slow.next(SOON).orElseThrow();
            while (view.active()) {
                view = slow.next(SOON).orElseThrow();
            }
            assertThat(view.id()).isEqualTo(last);
        }
        TypeMetrics metrics = engine.metrics().getFirst();
        assertThat(metrics.started()).isEqualTo(10);
        assertThat(metrics.ended()).isEqualTo(Map.of("completed", 10L));
        assertThat(metrics.steps().get("a").count()).isEqualTo(10);
    }

    @Test
    void response_tooLarge_endsTheRun() {
        var t = type("t").step("a", c -> "x".repeat((1 << 20) + 1)).build();
        boot(QUICK, t);
        assertThat(engine.await(engine.start(t, "m", ""), SOON).outcome().detail())
                .contains("1048577 bytes");
        assertThatThrownBy(() -> engine.start(t, "m", "x".repeat((1 << 20) + 1)))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        r -> assertThat(r.reason()).isEqualTo(RejectedException.Reason.TOO_LARGE));
    }

    private static void until(java.util.function.BooleanSupplier condition) {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
        }
    }
}
