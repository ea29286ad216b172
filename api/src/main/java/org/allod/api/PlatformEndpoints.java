package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.allod.base.RejectedException;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for regions and capacity. */
public final class PlatformEndpoints {
    private static final int MAX_COUNT = 100_000;
    private static final int USUAL_MEMORY_MB = 2_048;

    private final Machines machines;
    private final String region;

    public PlatformEndpoints(Machines machines, String region) {
        this.machines = machines;
        this.region = region;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        "/v1/platform/regions",
                        "Platform_regions_get",
                        "List regions",
                        List.of(),
                        Endpoint.Access.SHARED,
                        request -> Response.ok(regions())),
                endpoint(
                        HttpMethod.POST,
                        "/v1/platform/placements",
                        "Platform_placements_post",
                        "See where machines would be placed, without placing any",
                        List.of(),
                        this::placements));
    }

    private ObjectNode regions() {
        ObjectNode body = MachineViews.JSON.objectNode().put("nearest", region);
        body.putArray("regions")
                .addObject()
                .put("code", region)
                .put("name", region)
                .put("geo_region", "")
                .put("latitude", 0.0)
                .put("longitude", 0.0)
                .put("gateway_available", false)
                .put("requires_paid_plan", false)
                .put("deprecated", false);
        return body;
    }

    private Response placements(ApiRequest request) {
        StrictJsonReader in = request.body();
        String org =
                in.string("org_slug").orElseThrow(() -> RejectedException.invalid("org_slug is missing: \"personal\""));
        OrgEndpoints.checkOrg(org);
        int count = in.integer("count", 0, MAX_COUNT).orElse(0);
        String wanted = in.string("region").filter(r -> !r.isEmpty()).orElse(region + ",any");
        in.refuse("volume_name", "this version places machines by memory and processors alone");
        in.refuse("volume_size_bytes", "this version places machines by memory and processors alone");
        // Weights choose among regions; there is only one.
        in.object("weights");
        Size size = in.object("compute").map(Size::read).orElse(new Size(USUAL_MEMORY_MB, 1));
        in.done();
        Set<String> regions =
                Arrays.stream(wanted.split(",", 50)).map(String::strip).collect(Collectors.toSet());
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("regions");
        int room = machines.countThatFit(size.memoryMb, size.cpus);
        if ((regions.contains(region) || regions.contains("any")) && room > 0) {
            list.addObject()
                    .put("region", region)
                    .put("count", count == 0 ? room : Math.min(count, room))
                    .put("concurrency", room);
        }
        return Response.ok(body);
    }

    private record Size(int memoryMb, int cpus) {
        static Size read(StrictJsonReader in) {
            in.oneOf("cpu_kind", List.of("shared", "performance"));
            Size size = new Size(
                    in.integer("memory_mb", 64, 1 << 20).orElse(USUAL_MEMORY_MB),
                    in.integer("cpus", 1, 64).orElse(1));
            in.refuse("gpu_kind", "hosts have no GPUs to give");
            in.integer("gpus", 0, 0);
            for (String beside : List.of("host_dedication_id", "kernel_args", "max_memory_mb", "persist_rootfs")) {
                in.skip(beside); // these fields do not affect capacity
            }
            in.done();
            return size;
        }
    }
}
