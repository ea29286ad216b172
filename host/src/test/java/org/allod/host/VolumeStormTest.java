package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Kills the daemon at random moments in a storm of volumes made, forked, snapshotted, extended, deleted, and taken and
 * left by real gVisor guests. Afterwards every acknowledged volume is there, with its acknowledged size and what was
 * written to it; no loop device, mount, folder or half a file is left of anything else. For longer: {@code ./allod soak
 * volume-storm}.
 */
class VolumeStormTest {
    private static final int SLOTS = 4;
    private static final int KILLS = 6;
    private static final String APP = "/v1/apps/storm";

    private final Campaign campaign = Campaign.of("volume-storm");
    private final long seed = campaign.seed();
    private final Rng rng = Rng.seeded(seed);
    private final Map<String, Integer> acknowledged = new ConcurrentHashMap<>();
    private final Set<String> machines = ConcurrentHashMap.newKeySet();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean over;
    private DaemonProcess daemon;

    /** One client with volumes of its own name, and what it may rely on. */
    private final class Slot extends StormClient {
        /** Acknowledged volumes, with the least and the most size they may have. */
        private final Map<String, int[]> volumes = new HashMap<>();
        /** Volumes whose deletion was asked for: there or not. */
        private final Set<String> doubtful = new HashSet<>();

        private final Map<String, String> written = new HashMap<>();
        private int count;

        Slot(int number) {
            super("s" + number, rng, () -> over, failures);
        }

        private String any() {
            List<String> ids = new ArrayList<>(volumes.keySet());
            ids.sort(null);
            return ids.get(dice.nextInt(ids.size()));
        }

        @Override
        void step() throws IOException {
            if (volumes.isEmpty()) {
                create("");
                return;
            }
            String id = any();
            boolean few = volumes.size() < 4;
            switch (dice.nextInt(8)) {
                case 0 -> create(few ? "" : ",\"source_volume_id\":\"" + id + "\"");
                case 1 -> {
                    if (few) {
                        create(",\"source_volume_id\":\"" + id + "\"");
                    }
                }
                case 2 -> ok("snapshot", "POST", APP + "/volumes/" + id + "/snapshots", "");
                case 3 -> extend(id);
                case 4, 5 -> use(id);
                default -> {
                    if (volumes.size() > 3 || dice.nextInt(3) == 0) {
                        delete(id);
                    }
                }
            }
        }

        private HttpResponse<String> ok(String verb, String method, String path, String body) throws IOException {
            HttpResponse<String> answer = call(daemon, method, path, body);
            if (answer.statusCode() == 200) {
                acknowledged.merge(verb, 1, Integer::sum);
            }
            return answer;
        }

        private void create(String more) throws IOException {
            HttpResponse<String> answer =
                    ok("create", "POST", APP + "/volumes", "{\"name\":\"" + name + "\"" + more + "}");
            if (answer.statusCode() == 200) {
                JsonNode v = DaemonProcess.JSON.readTree(answer.body());
                int size = v.get("size_gb").intValue();
                volumes.put(v.get("id").stringValue(), new int[] {size, size});
            }
        }

        private void extend(String id) throws IOException {
            int[] size = volumes.get(id);
            int next = Math.min(size[1] + 1, 4);
            size[1] = Math.max(size[1], next);
            if (ok("extend", "PUT", APP + "/volumes/" + id + "/extend", "{\"size_gb\":" + next + "}")
                            .statusCode()
                    == 200) {
                size[0] = Math.max(size[0], next);
            }
        }

        private void delete(String id) throws IOException {
            doubtful.add(id);
            int[] size = volumes.remove(id);
            HttpResponse<String> answer = ok("delete", "DELETE", APP + "/volumes/" + id, "");
            if (answer.statusCode() / 100 == 2) {
                doubtful.remove(id);
                written.remove(id);
            } else if (answer.statusCode() == 409) {
                // Refused: it is there as before.
                doubtful.remove(id);
                volumes.put(id, size);
            }
        }

        /** A machine that writes into the volume, and is gone again. */
        private void use(String id) throws IOException {
            HttpResponse<String> made = ok(
                    "attach",
                    "POST",
                    APP + "/machines",
                    "{\"config\":{\"image\":\"web\",\"guest\":{\"memory_mb\":128},\"mounts\":[{\"volume\":\"" + id
                            + "\",\"path\":\"/d\"}]}}");
            if (made.statusCode() != 200) {
                return;
            }
            String machine = DaemonProcess.JSON.readTree(made.body()).get("id").stringValue();
            machines.add(machine);
            call(daemon, "GET", APP + "/machines/" + machine + "/wait?state=started&timeout=10", "");
            String text = name + "-" + count++;
            // Until it is acknowledged, nothing is known of what is in it.
            written.remove(id);
            HttpResponse<String> wrote = call(
                    daemon,
                    "POST",
                    APP + "/machines/" + machine + "/exec",
                    "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"echo " + text
                            + " > /d/note && /bin/busybox sync\"]}");
            if (wrote.statusCode() == 200
                    && DaemonProcess.JSON
                                    .readTree(wrote.body())
                                    .get("exit_code")
                                    .intValue()
                            == 0) {
                acknowledged.merge("write", 1, Integer::sum);
                written.put(id, text);
            }
            call(daemon, "DELETE", APP + "/machines/" + machine + "?force=true", "");
        }

        void check() throws Exception {
            for (var v : volumes.entrySet()) {
                JsonNode now = daemon.ok("GET", APP + "/volumes/" + v.getKey(), "");
                assertThat(now.get("state").stringValue()).isEqualTo("created");
                assertThat(now.get("size_gb").intValue())
                        .as(now.toString())
                        .isBetween(v.getValue()[0], v.getValue()[1]);
                String text = written.get(v.getKey());
                if (text != null) {
                    assertThat(read(v.getKey())).as("what is in " + v.getKey()).isEqualTo(text + "\n");
                }
            }
        }

        private String read(String id) throws Exception {
            String machine = daemon.ok(
                            "POST",
                            APP + "/machines",
                            "{\"config\":{\"image\":\"web\",\"guest\":{\"memory_mb\":128},\"mounts\":[{\"volume\":\""
                                    + id + "\",\"path\":\"/d\"}]}}")
                    .get("id")
                    .stringValue();
            machines.add(machine);
            daemon.await("storm", machine, "started");
            String text = daemon.ok(
                            "POST",
                            APP + "/machines/" + machine + "/exec",
                            "{\"command\":[\"/bin/busybox\",\"cat\",\"/d/note\"]}")
                    .get("stdout")
                    .stringValue();
            daemon.ok("DELETE", APP + "/machines/" + machine + "?force=true", "");
            daemon.await("storm", machine, "destroyed");
            return text;
        }
    }

    @AfterEach
    void clean() throws Exception {
        daemon.close();
    }

    @Test
    void daemonKilledAtRandom_noVolumeIsLost_andNothingIsOrphaned() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-vstorm").resolve("data")).start();
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
            daemon.awaitServing();
            Thread.sleep(50 + dice.nextInt(1_500));
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
        // Machines whose create was not answered, or whose end was not: all go.
        for (JsonNode m : daemon.ok("GET", APP + "/machines", "")) {
            machines.add(m.get("id").stringValue());
            daemon.ok("DELETE", APP + "/machines/" + m.get("id").stringValue() + "?force=true", "");
            daemon.await("storm", m.get("id").stringValue(), "destroyed");
        }
        System.out.println("volume storm: acknowledged " + acknowledged);
        assertThat(failures).as("seed %d", seed).isEmpty();
        for (Slot slot : slots) {
            slot.check();
        }
        Set<String> living = new HashSet<>();
        for (JsonNode v : daemon.ok("GET", APP + "/volumes?summary=true", "")) {
            living.add(v.get("id").stringValue());
            assertThat(v.get("attached_machine_id").isNull()).as(v.toString()).isTrue();
        }
        assertThat(Leftovers.mounts(daemon.data)).as("seed %d", seed).isEmpty();
        assertThat(Leftovers.ofVolumes(living, daemon.data)).as("seed %d", seed).isEmpty();
        daemon.ok("DELETE", APP + "?force=true", "");
        assertThat(Leftovers.ofVolumes(Set.of(), daemon.data))
                .as("seed %d", seed)
                .isEmpty();
        assertThat(Leftovers.of(Set.of(), machines, daemon.data))
                .as("seed %d", seed)
                .isEmpty();
        assertThat(acknowledged).containsKeys("create", "snapshot", "extend", "attach", "delete");
    }
}
