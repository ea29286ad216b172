package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.allod.base.Rng;
import org.allod.host.Linearizability.Op;
import org.allod.host.MachineModel.Did;
import org.allod.host.MachineModel.Outcome;
import org.allod.soak.Campaign;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * 64 clients update, lease, annotate, start and stop the same ten machines while the daemon is killed again and again.
 * What each was answered is recorded and, machine by machine, put in an order that explains it: no update is lost, no
 * lease has two holders, versions only grow. For longer: {@code ./allod soak contention}.
 */
class ContentionTest {
    private static final int CLIENTS = 64;
    private static final int MACHINES = 10;
    /** From one kill to the next. */
    private static final int LIFE_MILLIS = 4_000;

    private static final int KILLS = 2;

    private final Campaign campaign = Campaign.of("contention");
    private final long seed = campaign.seed();
    private final Rng rng = Rng.seeded(seed);
    private final Map<String, Integer> counts = new ConcurrentHashMap<>();
    private final List<Shared> machines = new ArrayList<>();
    private volatile boolean over;
    private DaemonProcess daemon;

    /** One machine and what everybody did to it. */
    private static final class Shared {
        final String id;
        final String version;
        final Queue<Op<Did>> history = new ConcurrentLinkedQueue<>();
        /** Starts, stops and updates that were let through, with the nonce that was shown. */
        final Queue<Op<String>> passed = new ConcurrentLinkedQueue<>();
        /** While these nonces held for certain. */
        final Queue<Op<String>> held = new ConcurrentLinkedQueue<>();

        Shared(String id, String version) {
            this.id = id;
            this.version = version;
        }
    }

    private final class Client implements Runnable {
        private final Rng dice;
        private final String name;
        private final Map<String, String> remembered = new java.util.HashMap<>();
        private int sequence;

        Client(int number) {
            name = "c" + number;
            dice = rng.fork(name);
        }

        @Override
        public void run() {
            while (!over) {
                try {
                    step(machines.get(dice.nextInt(MACHINES)));
                    Thread.sleep(dice.nextInt(150));
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        private String fresh() {
            return name + "-" + sequence++;
        }

        private void step(Shared m) throws InterruptedException {
            switch (dice.nextInt(10)) {
                case 0, 1, 2 -> read(m);
                // By what it saw last time, which is mostly out of date.
                case 3 -> update(m, remembered.getOrDefault(m.id, m.version), "");
                case 4 -> read(m).ifPresent(version -> update(m, version, ""));
                case 5 -> note(m, "");
                case 6 -> verb(m, "start", "");
                case 7 -> verb(m, "stop", "");
                default -> lease(m);
            }
        }

        /** Takes a lease, does something under it, and mostly gives it back; else it runs out. */
        private void lease(Shared m) throws InterruptedException {
            int seconds = 1 + dice.nextInt(2);
            long ttl = TimeUnit.SECONDS.toNanos(seconds);
            long call = System.nanoTime();
            Optional<HttpResponse<String>> answer = ask("POST", m, "/lease?ttl=" + seconds, "", "");
            long ret = System.nanoTime();
            Outcome outcome = outcome(answer);
            String nonce =
                    outcome == Outcome.DONE ? json(answer).at("/data/nonce").asString("") : "";
            m.history.add(new Op<>(call, ret, new Did.Take(ttl, outcome, nonce)));
            count("lease", outcome);
            if (outcome != Outcome.DONE) {
                return;
            }
            long until = call + ttl;
            for (int i = dice.nextInt(4); i > 0; i--) {
                switch (dice.nextInt(3)) {
                    case 0 -> note(m, nonce);
                    case 1 -> read(m).ifPresent(version -> update(m, version, nonce));
                    default -> verb(m, dice.chance(0.5) ? "start" : "stop", nonce);
                }
            }
            if (dice.chance(0.3)) {
                // Held on to past its end, as by a holder who stalls.
                Thread.sleep(Math.max(0, (until - System.nanoTime()) / 1_000_000 + 5));
                note(m, nonce);
                m.held.add(new Op<>(ret, until, nonce));
                return;
            }
            long release = System.nanoTime();
            Optional<HttpResponse<String>> released = ask("DELETE", m, "/lease", "", nonce);
            m.held.add(new Op<>(ret, Math.min(until, release), nonce));
            m.history.add(new Op<>(release, System.nanoTime(), new Did.Release(nonce, outcome(released))));
        }

        private Optional<String> read(Shared m) {
            long call = System.nanoTime();
            Optional<HttpResponse<String>> answer = ask("GET", m, "", "", "");
            if (outcome(answer) != Outcome.DONE) {
                return Optional.empty();
            }
            JsonNode seen = json(answer);
            String version = seen.get("instance_id").stringValue();
            m.history.add(new Op<>(
                    call,
                    System.nanoTime(),
                    new Did.Read(
                            version,
                            seen.at("/config/env/VALUE").asString(""),
                            seen.at("/config/metadata/note").asString(""))));
            count("read", Outcome.DONE);
            remembered.put(m.id, version);
            return Optional.of(version);
        }

        private void update(Shared m, String expected, String nonce) {
            String value = fresh();
            long call = System.nanoTime();
            Optional<HttpResponse<String>> answer = ask(
                    "POST",
                    m,
                    "",
                    body(value, ",\"skip_launch\":true,\"current_version\":\"" + expected + "\""),
                    nonce);
            Outcome outcome = outcome(answer);
            if (outcome == Outcome.UNKNOWN) {
                settled(m);
            }
            long ret = System.nanoTime();
            String version =
                    outcome == Outcome.DONE ? json(answer).get("instance_id").stringValue() : "";
            m.history.add(new Op<>(call, ret, new Did.Update(expected, value, outcome, version)));
            if (outcome == Outcome.DONE) {
                m.passed.add(new Op<>(call, ret, nonce));
            }
            count("update", outcome);
        }

        private void note(Shared m, String nonce) {
            String note = fresh();
            long call = System.nanoTime();
            Outcome outcome =
                    outcome(ask("PATCH", m, "/metadata", "{\"metadata\":{\"note\":\"" + note + "\"}}", nonce));
            m.history.add(new Op<>(call, System.nanoTime(), new Did.Note(note, nonce, outcome)));
            count("note", outcome);
        }

        private void verb(Shared m, String verb, String nonce) {
            long call = System.nanoTime();
            Outcome outcome = outcome(ask("POST", m, "/" + verb, "", nonce));
            if (outcome == Outcome.DONE) {
                m.passed.add(new Op<>(call, System.nanoTime(), nonce));
            }
            count(verb, outcome);
        }

        /** Nothing where the daemon died over it; then it serves again when this returns. */
        private Optional<HttpResponse<String>> ask(String method, Shared m, String rest, String body, String nonce) {
            try {
                String path = "/v1/apps/shared/machines/" + m.id + rest;
                return Optional.of(
                        nonce.isEmpty()
                                ? daemon.call(method, path, body)
                                : daemon.call(method, path, body, "fly-machine-lease-nonce", nonce));
            } catch (IOException e) {
                daemon.awaitServing();
                return Optional.empty();
            }
        }

        /** An update whose answer is lost goes on: until nothing is at work on the machine it may still happen. */
        private void settled(Shared m) {
            Optional<HttpResponse<String>> answer = Optional.empty();
            while (answer.isEmpty() || answer.get().statusCode() != 200) {
                answer = ask("GET", m, "/wait?state=settled&timeout=30", "", "");
            }
        }

        private void count(String what, Outcome outcome) {
            counts.merge(what + " " + outcome.name().toLowerCase(java.util.Locale.ROOT), 1, Integer::sum);
        }
    }

    private static Outcome outcome(Optional<HttpResponse<String>> answer) {
        if (answer.isEmpty()) {
            return Outcome.UNKNOWN;
        }
        return switch (answer.get().statusCode()) {
            case 200, 201, 204 -> Outcome.DONE;
            case 404, 409 -> Outcome.REFUSED;
            case 412 -> Outcome.STALE;
            default ->
                throw new AssertionError(
                        answer.get().statusCode() + " " + answer.get().body());
        };
    }

    private static JsonNode json(Optional<HttpResponse<String>> answer) {
        return DaemonProcess.JSON.readTree(answer.orElseThrow().body());
    }

    private static String body(String value, String more) {
        return "{\"config\":{\"image\":\"web\",\"guest\":{\"memory_mb\":64},\"env\":{\"VALUE\":\"%s\"},\"metadata\":{\"note\":\"%s\"}}%s}"
                .formatted(value, value, more);
    }

    @AfterEach
    void clean() throws Exception {
        daemon.close();
    }

    @Test
    void manyClients_onTheSameMachines_withTheDaemonKilled_areExplainedByAnOrder() throws Exception {
        daemon = new DaemonProcess(
                        Scratch.folder("allod-contention").resolve("data"),
                        "--runtime",
                        "gvisor",
                        "--rate-limits",
                        "off")
                .start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shared\",\"org_slug\":\"personal\"}");
        for (int i = 0; i < MACHINES; i++) {
            JsonNode made = daemon.ok("POST", "/v1/apps/shared/machines", body("first", ",\"skip_launch\":true"));
            machines.add(new Shared(
                    made.get("id").stringValue(), made.get("instance_id").stringValue()));
        }
        List<Throwable> broken = java.util.Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            threads.add(Thread.ofPlatform()
                    .uncaughtExceptionHandler((thread, e) -> broken.add(e))
                    .start(new Client(i)));
        }
        for (int kill = 0; campaign.goesOn(kill, KILLS); kill++) {
            Thread.sleep(LIFE_MILLIS - 200 + rng.nextInt(400));
            daemon.kill();
            daemon.begin();
            daemon.awaitServing();
        }
        Thread.sleep(LIFE_MILLIS);
        over = true;
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(120));
        }
        System.out.println("contention: " + new TreeMap<>(counts));
        assertThat(broken).isEmpty();
        for (Shared m : machines) {
            versionsGrow(m);
        }
        daemon.ok("DELETE", "/v1/apps/shared?force=true", "");
        machines.forEach(this::explained);
        assertThat(counts).containsKeys("update done", "update stale", "lease done", "lease refused", "note refused");
    }

    private void versionsGrow(Shared m) throws IOException {
        List<String> versions = new ArrayList<>();
        daemon.ok("GET", "/v1/apps/shared/machines/" + m.id + "/versions", "")
                .forEach(v -> versions.add(v.get("version").stringValue()));
        assertThat(versions)
                .isSortedAccordingTo(java.util.Comparator.reverseOrder())
                .doesNotHaveDuplicates();
    }

    private void explained(Shared m) {
        List<Op<Did>> history = List.copyOf(m.history);
        assertThat(Linearizability.violation(new MachineModel(m.version, "first"), history))
                .as("machine %s, %d operations, seed %d", m.id, history.size(), seed)
                .isEmpty();
        for (Op<String> held : m.held) {
            for (Op<String> other : m.held) {
                assertThat(held.what().equals(other.what()) || held.ret() <= other.call() || other.ret() <= held.call())
                        .as("two holders, %s and %s, seed %d", held, other, seed)
                        .isTrue();
            }
            // Whatever was let through wholly within a lease was its holder's.
            for (Op<String> passed : m.passed) {
                boolean within = passed.call() >= held.call() && passed.ret() <= held.ret();
                assertThat(!within || passed.what().equals(held.what()))
                        .as("%s passed under %s, seed %d", passed, held, seed)
                        .isTrue();
            }
        }
    }
}
