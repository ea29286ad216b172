package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.machine.Volume;
import org.allod.machine.VolumeId;
import org.allod.machine.VolumeSnapshot;
import org.allod.machine.Volumes;
import tools.jackson.databind.node.ArrayNode;

/** Endpoints for one app's volumes and their snapshots. */
public final class VolumeEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/volumes";
    private static final String ONE = ALL + "/{volume_id}";
    private static final int MAX_GB = 65_536;
    private static final int MAX_RETENTION = 60;
    private static final String ONE_HOST = "not supported by this version: an app's volumes are on one host";

    private final Machines machines;
    private final Volumes volumes;

    public VolumeEndpoints(Machines machines, Volumes volumes) {
        this.machines = machines;
        this.volumes = volumes;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(HttpMethod.GET, ALL, "Volumes_list", "List an app's volumes", List.of("summary"), this::list),
                endpoint(HttpMethod.POST, ALL, "Volumes_create", "Create a volume", List.of(), this::create),
                endpoint(HttpMethod.GET, ONE, "Volumes_get_by_id", "Show a volume", List.of(), this::show),
                endpoint(HttpMethod.PUT, ONE, "Volumes_update", "Update a volume", List.of(), this::update),
                // The method that clients of 2024 use.
                endpoint(HttpMethod.POST, ONE, "Volumes_update_post", "Update a volume", List.of(), this::update),
                endpoint(HttpMethod.DELETE, ONE, "Volume_delete", "Delete a volume", List.of(), this::delete),
                endpoint(
                        HttpMethod.PUT,
                        ONE + "/extend",
                        "Volumes_extend",
                        "Make a volume larger, in use as it is",
                        List.of(),
                        this::extend),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/snapshots",
                        "Volumes_list_snapshots",
                        "List a volume's snapshots, newest first",
                        List.of(),
                        this::snapshots),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/snapshots",
                        "createVolumeSnapshot",
                        "Take a snapshot",
                        List.of(),
                        this::snapshot));
    }

    private Volume volume(ApiRequest request) {
        String app = machines.app(request.parameter("app_name")).name();
        String text = request.parameter("volume_id");
        return VolumeId.parse(text)
                .map(id -> volumes.get(app, id))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no volume " + text + " in app " + app,
                        "a volume's id is vol_ and 16 letters and digits"));
    }

    private Response whole(Volume volume) {
        return Response.ok(VolumeViews.volume(volume, volumes));
    }

    private Response list(ApiRequest request) {
        boolean summary = request.flag("summary");
        ArrayNode list = MachineViews.JSON.arrayNode();
        volumes.list(machines.app(request.parameter("app_name")).name())
                .forEach(v -> list.add(summary ? VolumeViews.brief(v) : VolumeViews.volume(v, volumes)));
        return Response.ok(list);
    }

    private Response create(ApiRequest request) throws InterruptedException {
        StrictJsonReader in = request.body();
        String name = in.string("name")
                .filter(n -> !n.isEmpty())
                .orElseThrow(() -> RejectedException.invalid("name is missing: the name of the volume"));
        Optional<String> region = in.string("region");
        Optional<Integer> size = in.integer("size_gb", 1, MAX_GB);
        boolean encrypted = in.bool("encrypted").orElse(false);
        Optional<String> snapshot = in.string("snapshot_id").filter(s -> !s.isEmpty());
        Optional<String> source = in.string("source_volume_id").filter(s -> !s.isEmpty());
        boolean backup = in.bool("auto_backup_enabled").orElse(true);
        int retention = in.integer("snapshot_retention", 1, MAX_RETENTION).orElse(5);
        in.oneOf("fstype", List.of("", "ext4"));
        for (String oneHost : List.of("require_unique_zone", "unique_zone_app_wide")) {
            // The field asks for a second volume of the name on another host; there is only one host.
            if (in.bool(oneHost).orElse(false)
                    && volumes.list(request.parameter("app_name")).stream()
                            .anyMatch(v -> v.name().equals(name))) {
                in.refuse(oneHost, ONE_HOST);
            }
        }
        for (String later : List.of("compute", "compute_image")) {
            in.refuse(later, "not supported by this version: it chooses among hosts, and there is one");
        }
        in.done();
        return whole(volumes.create(
                machines.app(request.parameter("app_name")),
                new Volumes.Request(name, region, size, encrypted, snapshot, source, backup, retention)));
    }

    private Response show(ApiRequest request) {
        return whole(volume(request));
    }

    private Response update(ApiRequest request) {
        Volume volume = volume(request);
        StrictJsonReader in = request.body();
        Optional<Boolean> backup = in.bool("auto_backup_enabled");
        Optional<Integer> retention = in.integer("snapshot_retention", 1, MAX_RETENTION);
        in.done();
        return whole(volumes.update(volume, backup, retention));
    }

    private Response extend(ApiRequest request) throws InterruptedException {
        Volume volume = volume(request);
        StrictJsonReader in = request.body();
        int size = in.integer("size_gb", 1, MAX_GB)
                .orElseThrow(() -> RejectedException.invalid("size_gb is missing: the size of the volume"));
        in.done();
        Volumes.Extended extended = volumes.extend(volume, size);
        var body = MachineViews.JSON.objectNode().put("needs_restart", extended.restart());
        body.set("volume", VolumeViews.volume(extended.volume(), volumes));
        return Response.ok(body);
    }

    private Response delete(ApiRequest request) throws InterruptedException {
        return whole(volumes.delete(volume(request)));
    }

    private Response snapshots(ApiRequest request) {
        ArrayNode list = MachineViews.JSON.arrayNode();
        volumes.snapshots(volume(request)).forEach(s -> list.add(VolumeViews.snapshot(s)));
        return Response.ok(list);
    }

    private Response snapshot(ApiRequest request) throws InterruptedException {
        Volume volume = volume(request);
        request.body().done();
        VolumeSnapshot taken = volumes.snapshot(volume, false);
        return Response.ok(VolumeViews.snapshot(taken));
    }
}
