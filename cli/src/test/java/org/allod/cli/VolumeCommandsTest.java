package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The requests of each volume command, and how it handles the responses. */
class VolumeCommandsTest {
    private static final String ID = "vol_0123456789abcdef";
    private static final String ONE = "/v1/apps/shop/volumes/" + ID;
    private static final String VOLUME = "{\"id\":\"" + ID + "\",\"name\":\"data\",\"state\":\"created\",\"size_gb\":3,"
            + "\"encrypted\":false,\"app_name\":\"shop\",\"attached_machine_id\":null,\"created_at\":\"2026-01-01T00:00:00Z\"}";

    private static final String ALL = "/v1/orgs/personal/volumes?summary=true";
    private static final String GONE =
            VOLUME.replace(ID, "vol_ffffffffffffffff").replace("created\"", "destroyed\"");

    @TempDir
    Path data;

    private FakeDaemon daemon;

    @BeforeEach
    void start() throws Exception {
        daemon = new FakeDaemon(data);
        daemon.on("GET /v1/apps/shop", 200, "{}")
                .on("GET " + ALL, 200, "{\"volumes\":[" + VOLUME + "]}")
                .on("GET " + ALL + "&include_deleted=true", 200, "{\"volumes\":[" + VOLUME + "," + GONE + "]}");
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
    }

    private Ran ran(String line) {
        return Ran.here(data, line.split(" "));
    }

    @Test
    void create_asksForWhatWasTyped() {
        daemon.on("POST /v1/apps/shop/volumes", 200, VOLUME);
        Ran ran = ran("volume create data --app shop --size 3 --retention 7 --no-backup");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).isEqualTo("volume data (" + ID + ") is created\n");
        assertThat(daemon.bodies("POST /v1/apps/shop/volumes"))
                .containsExactly(Json.parse("{\"name\":\"data\",\"size_gb\":3,\"auto_backup_enabled\":false,"
                        + "\"snapshot_retention\":7}"));
    }

    @Test
    void create_withoutApp_isWrongUse() {
        Ran ran = ran("volume create data");
        assertThat(ran.exit()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(ran.err()).contains("--app is missing");
    }

    @Test
    void list_isATable() {
        assertThat(ran("volume list").out()).contains("APP", "shop", "data", ID, "3 GB");
    }

    @Test
    void extend_thatNeedsARestart_saysSo() {
        daemon.on("PUT " + ONE + "/extend", 200, "{\"needs_restart\":true,\"volume\":" + VOLUME + "}");
        assertThat(ran("volume extend data --size 9").out()).contains("9 GB").contains("restart its machine");
        assertThat(daemon.bodies("PUT " + ONE + "/extend")).containsExactly(Json.parse("{\"size_gb\":9}"));
    }

    @Test
    void fork_namesItsSource_andTellsHowItWasCopied() {
        daemon.on(
                "POST /v1/apps/shop/volumes",
                200,
                "{\"id\":\"vol_copy\",\"name\":\"two\",\"state\":\"created\",\"copied\":{\"from\":\"" + ID
                        + "\",\"method\":\"reflink\",\"consistency\":\"frozen\"}}");
        assertThat(ran("volume fork shop/data --name two").out()).contains("sharing blocks with " + ID, "frozen");
        assertThat(daemon.bodies("POST /v1/apps/shop/volumes")
                        .getFirst()
                        .at("source_volume_id")
                        .text())
                .isEqualTo(ID);
    }

    @Test
    void snapshotAndSnapshots_areOfTheVolume() {
        String snapshot = "{\"id\":\"vs_1\",\"status\":\"created\",\"size\":1048576,\"retention_days\":5,"
                + "\"created_at\":\"2026-01-01T00:00:00Z\",\"copied\":{\"consistency\":\"frozen\"}}";
        daemon.on("POST " + ONE + "/snapshots", 200, snapshot)
                .on("GET " + ONE + "/snapshots", 200, "[" + snapshot + "]");
        assertThat(ran("volume snapshot data").out()).contains("vs_1", "frozen");
        assertThat(ran("volume snapshots data").out()).contains("vs_1", "5d");
    }

    @Test
    void unknownVolume_isNotFound_withTheNearest() {
        Ran ran = ran("volume show dta");
        assertThat(ran.exit()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(ran.err()).contains("did you mean data?");
    }

    @Test
    void destroy_deletesEach() {
        daemon.on("DELETE " + ONE, 200, VOLUME);
        assertThat(ran("volume destroy " + ID).out()).contains("is gone");
    }

    @Test
    void destroy_ofOneThatIsNotThere_touchesNone() {
        daemon.on("DELETE " + ONE, 200, VOLUME);
        assertThat(ran("volume destroy data nope").exit()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(daemon.bodies("DELETE " + ONE)).isEmpty();
    }

    @Test
    void snapshots_ofADeletedVolume_areFoundByItsId() {
        daemon.on(
                "GET /v1/apps/shop/volumes/vol_ffffffffffffffff/snapshots",
                200,
                "[{\"id\":\"vs_1\","
                        + "\"status\":\"created\",\"retention_days\":5,\"created_at\":\"2026-01-01T00:00:00Z\"}]");
        assertThat(ran("volume snapshots vol_ffffffffffffffff").out()).contains("vs_1");
        assertThat(ran("volume list --deleted").out()).contains("vol_ffffffffffffffff", ID);
        assertThat(ran("volume list").out()).doesNotContain("vol_ffffffffffffffff");
    }

    @Test
    void update_changesHowSnapshotsAreKept_andOnlyWhatWasNamed() {
        daemon.on("PUT " + ONE, 200, VOLUME.replace("}", ",\"auto_backup_enabled\":false,\"snapshot_retention\":9}"));
        assertThat(ran("volume update data --backup off --retention 9").out())
                .isEqualTo("volume data: snapshots none by themselves, kept 9 days\n");
        assertThat(ran("volume update data --retention 9").exit()).isEqualTo(ExitCode.DONE);
        assertThat(daemon.bodies("PUT " + ONE))
                .containsExactly(
                        Json.parse("{\"auto_backup_enabled\":false,\"snapshot_retention\":9}"),
                        Json.parse("{\"snapshot_retention\":9}"));
        assertThat(ran("volume update data").exit()).isEqualTo(ExitCode.WRONG_USE);
    }

    @Test
    void listForPrograms_namesTheApp() {
        assertThat(Json.parse(ran("volume list --json").out())
                        .items()
                        .getFirst()
                        .at("app_name")
                        .text())
                .isEqualTo("shop");
    }

    @Test
    void run_withVolumes_mountsThemByNameAndById() {
        assertThat(ran("machine run web --app shop --volume data").err()).contains("NAME:/PATH");
    }
}
