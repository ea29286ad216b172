package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.allod.base.Rng;
import org.allod.machine.MachineState;
import org.allod.soak.Campaign;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Kills the daemon at random moments in a storm of creates, starts, stops, suspends and destroys of real guests. What
 * was acknowledged must be so afterwards, and nothing may be left of what was destroyed. For longer: {@code ./allod soak
 * storm}.
 */
class StormTest {
    private static final int SLOTS = 8;
    private static final int KILLS = 15;

    private final Campaign campaign = Campaign.of("storm");
    private final long seed = campaign.seed();
    private final Rng rng = Rng.seeded(seed);
    private final Set<String> ours = ConcurrentHashMap.newKeySet();
    private final Map<String, Integer> acknowledged = new ConcurrentHashMap<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean over;
    private DaemonProcess daemon;

    /** One machine at a time, driven by one thread, with what its client may rely on. */
    private final class Slot extends StormClient {
        private String id = "";
        /** What this client has had destroyed: it may be listed until that is carried out, and is no longer its own. */
        private final Set<String> destroyed = new HashSet<>();
        /** The states the machine may be found in once all is quiet; empty where none is acknowledged. */
        private Set<MachineState> may = EnumSet.noneOf(MachineState.class);

        Slot(int number) {
            super("m" + number, rng, () -> over, failures);
        }

        @Override
        void step() throws IOException {
            if (id.isEmpty()) {
                create();
                return;
            }
            switch (dice.nextInt(8)) {
                case 0, 1 -> verb("start", MachineState.STARTED);
                case 2, 3 -> verb("stop", MachineState.STOPPED);
                case 4 -> verb("suspend", MachineState.SUSPENDED);
                case 5 -> verb("restart", MachineState.STARTED);
                case 6 -> settle();
                default -> destroy();
            }
        }

        /** A create whose answer is lost is looked for by its name, as a careful client would. */
        private void create() throws IOException {
            for (JsonNode m : DaemonProcess.JSON.readTree(
                    call(daemon, "GET", "/v1/apps/storm/machines", "").body())) {
                boolean ownOnce = destroyed.contains(m.get("id").stringValue());
                if (m.get("name").stringValue().equals(name) && !ownOnce) {
                    own(m.get("id").stringValue(), EnumSet.of(MachineState.STARTED));
                    return;
                }
            }
            HttpResponse<String> answer = call(daemon, "POST", "/v1/apps/storm/machines", TestImage.machine(name, ""));
            if (answer.statusCode() == 200) {
                count("create");
                own(
                        DaemonProcess.JSON.readTree(answer.body()).get("id").stringValue(),
                        EnumSet.of(MachineState.STARTED));
            }
        }

        private void own(String found, Set<MachineState> states) {
            id = found;
            ours.add(found);
            may = states;
        }

        private void verb(String verb, MachineState to) throws IOException {
            Set<MachineState> before = EnumSet.copyOf(may);
            // Until the answer is there, both are possible.
            may.add(to);
            HttpResponse<String> answer = call(daemon, "POST", path("/" + verb), "");
            if (answer.statusCode() == 200) {
                count(verb);
                may = EnumSet.of(to);
            } else if (answer.statusCode() / 100 == 4) {
                may = before;
            }
        }

        private void destroy() throws IOException {
            may.add(MachineState.DESTROYED);
            HttpResponse<String> answer = call(daemon, "DELETE", path("?force=true"), "");
            if (answer.statusCode() == 200 || answer.statusCode() == 404) {
                count("destroy");
                destroyed.add(id);
                gone();
            }
        }

        private void gone() {
            id = "";
            may = EnumSet.noneOf(MachineState.class);
        }

        private void settle() throws IOException {
            call(daemon, "GET", path("/wait?state=settled&timeout=5"), "");
        }

        private String path(String rest) {
            return "/v1/apps/storm/machines/" + id + rest;
        }

        private void count(String verb) {
            acknowledged.merge(verb, 1, Integer::sum);
        }

        void check() throws IOException {
            if (id.isEmpty()) {
                return;
            }
            HttpResponse<String> answer = daemon.call("GET", path(""), "");
            assertThat(answer.statusCode())
                    .as("machine " + id + " of slot " + name)
                    .isEqualTo(200);
            MachineState now = MachineState.parse(DaemonProcess.JSON
                            .readTree(answer.body())
                            .get("state")
                            .stringValue())
                    .orElseThrow();
            assertThat(may).as("%s is %s: %s", name, now, answer.body()).contains(now);
        }
    }

    @AfterEach
    void clean() throws Exception {
        daemon.close();
    }

    @Test
    void daemonKilledAtRandom_whatWasAcknowledgedHolds_andNothingIsOrphaned() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-storm").resolve("data")).start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"storm\",\"org_slug\":\"personal\"}");
        List<Slot> slots = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            Slot slot = new Slot(i);
            slots.add(slot);
            threads.add(Thread.ofVirtual().name(slot.name).start(slot));
        }
        Rng dice = rng.fork("kills");
        for (int kill = 0; campaign.goesOn(kill, KILLS); kill++) {
            // Mostly at work, now and then while it is still getting up.
            if (dice.chance(0.2)) {
                Thread.sleep(dice.nextInt(1_000));
            } else {
                daemon.awaitServing();
                Thread.sleep(20 + dice.nextInt(800));
            }
            daemon.kill();
            // Somebody sets the clock meanwhile, now and then.
            daemon.setClock(Duration.ofHours(10 * (dice.nextInt(3) - 1)));
            daemon.begin();
        }
        over = true;
        daemon.awaitServing();
        for (Thread thread : threads) {
            thread.join();
        }
        daemon.awaitQuiet();
        System.out.println("storm: acknowledged " + acknowledged);
        assertThat(failures).as("seed %d", seed).isEmpty();
        for (Slot slot : slots) {
            slot.check();
        }
        assertThat(acknowledged).containsKeys("create", "start", "stop", "destroy");
        Set<String> living = new HashSet<>();
        for (JsonNode m : daemon.ok("GET", "/v1/apps/storm/machines", "")) {
            living.add(m.get("id").stringValue());
            ours.add(m.get("id").stringValue());
        }
        assertThat(Leftovers.of(living, ours, daemon.data)).as("seed %d", seed).isEmpty();
        daemon.ok("DELETE", "/v1/apps/storm?force=true", "");
        assertThat(Leftovers.of(Set.of(), ours, daemon.data))
                .as("seed %d", seed)
                .isEmpty();
    }
}
