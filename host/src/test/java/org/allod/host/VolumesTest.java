package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;

/** Volumes of a real daemon in real guests, as a client uses them. The tests share the daemon, and go in order. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class VolumesTest {
    private static final String APP = "/v1/apps/db";
    private static final String MACHINES = APP + "/machines";
    private static final String VOLUMES = APP + "/volumes";

    private final Set<String> machines = new HashSet<>();
    private final Set<String> volumes = new HashSet<>();
    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-volumes").resolve("data")).start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"db\",\"org_slug\":\"personal\"}");
    }

    @AfterAll
    void stop() throws Exception {
        if (daemon != null) {
            for (JsonNode m : daemon.ok("GET", MACHINES, "")) {
                destroy(m.get("id").stringValue());
            }
            for (JsonNode v : daemon.ok("GET", VOLUMES, "")) {
                daemon.ok("DELETE", VOLUMES + "/" + v.get("id").stringValue(), "");
            }
            assertThat(Leftovers.of(Set.of(), machines, daemon.data)).isEmpty();
            assertThat(Leftovers.ofVolumes(Set.of(), daemon.data)).isEmpty();
            daemon.close();
        }
    }

    private JsonNode volume(String body) throws Exception {
        JsonNode made = daemon.ok("POST", VOLUMES, body);
        volumes.add(made.get("id").stringValue());
        return made;
    }

    private String machine(String name, String runtime, String mounts) throws Exception {
        String id = daemon.ok("POST", MACHINES, body(name, runtime, mounts))
                .get("id")
                .stringValue();
        machines.add(id);
        daemon.await("db", id, "started");
        return id;
    }

    private static String body(String name, String runtime, String mounts) {
        return """
                {"name":"%s","runtime":"%s","config":{"image":"web","guest":{"memory_mb":192},"mounts":[%s]}}
                """.formatted(name, runtime, mounts);
    }

    private String said(String machine, String script) throws Exception {
        var body = DaemonProcess.JSON.createObjectNode();
        body.putArray("command").add("/bin/busybox").add("sh").add("-c").add(script);
        JsonNode ran = daemon.ok("POST", MACHINES + "/" + machine + "/exec", body.toString());
        assertThat(ran.get("exit_code").intValue()).as(ran.toString()).isZero();
        return ran.get("stdout").stringValue();
    }

    private void destroy(String machine) throws Exception {
        daemon.ok("DELETE", MACHINES + "/" + machine + "?force=true", "");
        daemon.await("db", machine, "destroyed");
    }

    private String refused(String method, String path, String body, int status) throws Exception {
        HttpResponse<String> answer = daemon.call(method, path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        return answer.body();
    }

    private JsonNode show(String id) throws Exception {
        return daemon.ok("GET", VOLUMES + "/" + id, "");
    }

    private static String text(JsonNode node, String field) {
        return node.get(field).stringValue();
    }

    @Test
    @Order(1)
    void volume_outlivesTheMachinesThatHaveIt() throws Exception {
        JsonNode made = volume("{\"name\":\"data\",\"size_gb\":1}");
        assertThat(text(made, "state")).isEqualTo("created");
        assertThat(made.get("encrypted").booleanValue()).isFalse();
        assertThat(made.get("bytes_total").longValue()).isGreaterThan(900L << 20);
        String id = text(made, "id");
        assertThat(id).matches("vol_[a-z0-9]{16}");

        String one = machine("one", "gvisor", "{\"name\":\"data\",\"path\":\"/data\"}");
        assertThat(text(show(id), "attached_machine_id")).isEqualTo(one);
        said(one, "echo precious > /data/note");
        assertThat(show(id).get("bytes_used").longValue()).isPositive();

        assertThat(refused("DELETE", VOLUMES + "/" + id, "", 409)).contains(one);
        assertThat(refused("POST", MACHINES, body("two", "gvisor", "{\"volume\":\"" + id + "\",\"path\":\"/x\"}"), 409))
                .contains("config.mounts[0].volume", one);

        destroy(one);
        assertThat(show(id).get("attached_machine_id").isNull()).isTrue();
        String two = machine("two", "gvisor", "{\"volume\":\"" + id + "\",\"path\":\"/srv/data\"}");
        assertThat(said(two, "cat /srv/data/note")).isEqualTo("precious\n");
    }

    @Test
    @Order(2)
    void daemon_killed_findsTheVolumeWhereItWas() throws Exception {
        String two = daemon.ok("GET", MACHINES, "").get(0).get("id").stringValue();
        daemon.kill();
        daemon.start();
        assertThat(said(two, "cat /srv/data/note; echo more >> /srv/data/note")).isEqualTo("precious\n");
        daemon.ok("POST", MACHINES + "/" + two + "/stop", "");
        daemon.await("db", two, "stopped");
        assertThat(Leftovers.mounts(daemon.data)).isEmpty();
        daemon.ok("POST", MACHINES + "/" + two + "/start", "");
        daemon.await("db", two, "started");
        assertThat(said(two, "cat /srv/data/note")).isEqualTo("precious\nmore\n");
    }

    @Test
    @Order(3)
    void snapshotForkAndRestore_haveWhatWasThere() throws Exception {
        JsonNode two = daemon.ok("GET", MACHINES, "").get(0);
        String source = text(daemon.ok("GET", VOLUMES, "").get(0), "id");
        JsonNode snapshot = daemon.ok("POST", VOLUMES + "/" + source + "/snapshots", "");
        assertThat(text(snapshot, "status")).isEqualTo("created");
        assertThat(text(snapshot.get("copied"), "consistency")).isEqualTo("frozen");
        said(text(two, "id"), "echo later >> /srv/data/note");
        assertThat(daemon.ok("GET", VOLUMES + "/" + source + "/snapshots", "")).hasSize(1);

        String restored =
                text(volume("{\"name\":\"old\",\"snapshot_id\":\"" + text(snapshot, "id") + "\",\"size_gb\":2}"), "id");
        String forked = text(volume("{\"name\":\"copy\",\"source_volume_id\":\"" + source + "\"}"), "id");
        assertThat(show(restored).get("size_gb").intValue()).isEqualTo(2);
        String three = machine(
                "three",
                "gvisor",
                "{\"volume\":\"" + restored + "\",\"path\":\"/old\"},{\"volume\":\"" + forked
                        + "\",\"path\":\"/copy\"}");
        assertThat(said(three, "cat /old/note; echo; cat /copy/note"))
                .isEqualTo("precious\nmore\n\nprecious\nmore\nlater\n");
        // It was made larger than its snapshot: its file system has grown with it.
        assertThat(show(restored).get("bytes_total").longValue()).isGreaterThan(1_900L << 20);
        destroy(three);
    }

    @Test
    @Order(4)
    void microvm_hasItsVolumeEncryptedOrNot_andExtendsItInUse() throws Exception {
        String id = text(volume("{\"name\":\"vm_data\",\"size_gb\":1}"), "id");
        String mount = "{\"volume\":\"" + id + "\",\"path\":\"/data\"}";
        String vm = machine("vm", "microvm", mount);
        said(vm, "echo from a virtual machine > /data/note");
        JsonNode extended = daemon.ok("PUT", VOLUMES + "/" + id + "/extend", "{\"size_gb\":3}");
        assertThat(extended.get("needs_restart").booleanValue()).isFalse();
        assertThat(show(id).get("bytes_total").longValue()).isGreaterThan(2_900L << 20);
        assertThat(text(daemon.ok("POST", VOLUMES + "/" + id + "/snapshots", "").get("copied"), "consistency"))
                .isEqualTo("frozen");
        destroy(vm);
        // Its file system has been in a guest's hands: the host's kernel is not shown it.
        assertThat(refused("POST", MACHINES, body("g", "gvisor", mount), 422)).contains("hostile", id);
        String again = machine("again", "microvm", mount);
        assertThat(said(again, "cat /data/note")).isEqualTo("from a virtual machine\n");
        destroy(again);
    }

    /**
     * A sandbox that begins while the volume is mounted has a copy of its mount as long as it lives, so the file system
     * lives on in the kernel when its machine ends: what was written, grown or copied then was lost or made unreadable.
     */
    @Test
    @Order(4)
    void volumeThatAnotherSandboxHasACopyOf_staysWhole_howeverItIsExtendedAndStarted() throws Exception {
        String id = text(volume("{\"name\":\"grows\",\"size_gb\":1}"), "id");
        String mount = "{\"volume\":\"" + id + "\",\"path\":\"/data\"}";
        String one = machine("grower", "gvisor", mount);
        String beside = machine("beside", "gvisor", "");
        String[][] ways = {{"restart"}, {"stop", "start"}, {"suspend", "start"}, {"restart"}};
        for (int i = 0; i < ways.length; i++) {
            said(one, "echo written-" + i + " > /data/note");
            daemon.ok("PUT", VOLUMES + "/" + id + "/extend", "{\"size_gb\":" + (2 + i) + "}");
            daemon.ok("POST", MACHINES + "/" + beside + "/restart", "");
            daemon.await("db", beside, "started");
            for (String verb : ways[i]) {
                daemon.ok("POST", MACHINES + "/" + one + "/" + verb, "");
                daemon.await(
                        "db", one, verb.equals("stop") ? "stopped" : verb.equals("suspend") ? "suspended" : "started");
            }
            assertThat(said(one, "cat /data/note")).isEqualTo("written-" + i + "\n");
        }
        said(one, "echo last > /data/note");
        daemon.ok("POST", MACHINES + "/" + one + "/stop", "");
        daemon.await("db", one, "stopped");
        String fork = text(volume("{\"name\":\"forked\",\"source_volume_id\":\"" + id + "\"}"), "id");
        destroy(one);
        destroy(beside);
        for (String each : new String[] {id, fork}) {
            Path copy = daemon.data.resolve(each + ".img");
            Path disk = daemon.data.resolve("volumes").resolve(each).resolve("disk.img");
            assertThat(new ProcessBuilder("cp", "--sparse=always", disk.toString(), copy.toString())
                            .start()
                            .waitFor())
                    .isZero();
            // What is in its journal belongs to it.
            Process check = new ProcessBuilder("e2fsck", "-f", "-p", copy.toString())
                    .redirectErrorStream(true)
                    .start();
            String found = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(check.waitFor()).as(found).isLessThan(2);
            Files.delete(copy);
        }
        String reader = machine("reader", "gvisor", "{\"volume\":\"" + fork + "\",\"path\":\"/data\"}");
        assertThat(said(reader, "cat /data/note")).isEqualTo("last\n");
        destroy(reader);
    }

    @Test
    @Order(4)
    void encrypted_isUnreadableOnTheDisk_andOnlyForMicrovms() throws Exception {
        JsonNode made = volume("{\"name\":\"secret\",\"encrypted\":true}");
        assertThat(made.get("encrypted").booleanValue()).isTrue();
        String id = text(made, "id");
        String mount = "{\"volume\":\"" + id + "\",\"path\":\"/data\",\"encrypted\":true}";
        assertThat(refused("POST", MACHINES, body("g", "gvisor", mount), 422)).contains("encrypted", id);
        String vm = machine("vault", "microvm", mount);
        said(vm, "echo treasure-4711 > /data/note");
        // Its key is handed over anew when it goes on.
        daemon.ok("POST", MACHINES + "/" + vm + "/suspend", "");
        daemon.await("db", vm, "suspended");
        daemon.ok("POST", MACHINES + "/" + vm + "/start", "");
        daemon.await("db", vm, "started");
        assertThat(said(vm, "cat /data/note")).isEqualTo("treasure-4711\n");
        assertThat(daemon.ok("PUT", VOLUMES + "/" + id + "/extend", "{\"size_gb\":2}")
                        .get("needs_restart")
                        .booleanValue())
                .isFalse();
        assertThat(show(id).get("bytes_total").longValue()).isGreaterThan(1_900L << 20);
        destroy(vm);
        Path disk = daemon.data.resolve("volumes").resolve(id).resolve("disk.img");
        assertThat(new ProcessBuilder("grep", "-q", "treasure-4711", disk.toString())
                        .start()
                        .waitFor())
                .isEqualTo(1);
        String copy = text(volume("{\"name\":\"copy\",\"source_volume_id\":\"" + id + "\"}"), "id");
        assertThat(show(copy).get("encrypted").booleanValue()).isTrue();
        String again = machine("again", "microvm", "{\"volume\":\"" + copy + "\",\"path\":\"/data\"}");
        assertThat(said(again, "cat /data/note")).isEqualTo("treasure-4711\n");
        destroy(again);
    }

    @Test
    @Order(5)
    void badRequests_areRefusedByName_andChangeNothing() throws Exception {
        String id = text(daemon.ok("GET", VOLUMES, "").get(0), "id");
        int before = daemon.ok("GET", VOLUMES, "").size();
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"size_gb\":0}", 400))
                .contains("size_gb");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"size_gb\":65000}", 409))
                .contains("size_gb", "free");
        assertThat(refused("POST", VOLUMES, "{\"size_gb\":1}", 400)).contains("name");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"Not-This\"}", 400)).contains("name");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"fstype\":\"xfs\"}", 400))
                .contains("fstype");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"snapshot_retention\":61}", 400))
                .contains("snapshot_retention");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"source_volume_id\":\"vol_none\"}", 404))
                .contains("source_volume_id");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"region\":\"mars\"}", 409))
                .contains("region");
        assertThat(refused("POST", VOLUMES, "{\"name\":\"a\",\"colour\":\"red\"}", 400))
                .contains("colour");
        assertThat(refused(
                        "POST",
                        VOLUMES,
                        "{\"name\":\"a\",\"size_gb\":1,\"source_volume_id\":\"" + id
                                + "\",\"snapshot_id\":\"vs_0123456789abcdef\"}",
                        400))
                .contains("snapshot_id");
        assertThat(refused("PUT", VOLUMES + "/" + id + "/extend", "{\"size_gb\":65000}", 409))
                .contains("size_gb");
        assertThat(refused("PUT", VOLUMES + "/" + id + "/extend", "{}", 400)).contains("size_gb");
        assertThat(refused("GET", VOLUMES + "/vol_0000000000000000", "", 404)).contains("vol_0000000000000000");
        assertThat(refused("DELETE", VOLUMES + "/nonsense", "", 404)).contains("nonsense");
        assertThat(refused("POST", MACHINES, body("x", "gvisor", "{\"name\":\"none\",\"path\":\"/d\"}"), 409))
                .contains("config.mounts[0].name", "none");
        assertThat(refused("POST", MACHINES, body("x", "gvisor", "{\"volume\":\"" + id + "\"}"), 400))
                .contains("config.mounts[0].path");
        assertThat(refused(
                        "POST", MACHINES, body("x", "gvisor", "{\"volume\":\"" + id + "\",\"path\":\"/proc/x\"}"), 400))
                .contains("config.mounts[0].path");
        assertThat(daemon.ok("GET", VOLUMES, "")).hasSize(before);
    }

    @Test
    @Order(6)
    void mount_ofANameWithASize_makesTheVolume() throws Exception {
        String made = machine("maker", "gvisor", "{\"name\":\"fresh\",\"path\":\"/f\",\"size_gb\":1}");
        JsonNode config = daemon.ok("GET", MACHINES + "/" + made, "").get("config");
        String id = text(config.get("mounts").get(0), "volume");
        assertThat(text(show(id), "name")).isEqualTo("fresh");
        // An update without it lets it go.
        daemon.ok("POST", MACHINES + "/" + made, "{\"config\":{\"image\":\"web\"}}");
        daemon.await("db", made, "started");
        assertThat(show(id).get("attached_machine_id").isNull()).isTrue();
        destroy(made);
        JsonNode gone = daemon.ok("DELETE", VOLUMES + "/" + id, "");
        assertThat(text(gone, "state")).isEqualTo("destroyed");
        assertThat(Files.exists(Path.of(daemon.data.toString(), "volumes", id))).isFalse();
    }

    @Test
    @Order(7)
    void update_ofRetention_byPutAndByPost() throws Exception {
        String id = text(daemon.ok("GET", VOLUMES, "").get(0), "id");
        assertThat(daemon.ok("PUT", VOLUMES + "/" + id, "{\"snapshot_retention\":7}")
                        .get("snapshot_retention")
                        .intValue())
                .isEqualTo(7);
        JsonNode posted = daemon.ok("POST", VOLUMES + "/" + id, "{\"auto_backup_enabled\":false}");
        assertThat(posted.get("auto_backup_enabled").booleanValue()).isFalse();
        assertThat(posted.get("snapshot_retention").intValue()).isEqualTo(7);
        assertThat(refused("PUT", VOLUMES + "/" + id, "{\"snapshot_retention\":0}", 400))
                .contains("snapshot_retention");
        JsonNode brief = daemon.ok("GET", VOLUMES + "?summary=true", "").get(0);
        assertThat(brief.has("blocks")).isFalse();
    }
}
