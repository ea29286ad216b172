package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.allod.base.RejectedException;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.Volume;
import org.allod.machine.VolumeState;
import org.allod.machine.Volumes;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints that span all apps of the organisation; a host has exactly one. */
public final class OrgEndpoints {
    private final Machines machines;
    private final Volumes volumes;

    public OrgEndpoints(Machines machines, Volumes volumes) {
        this.machines = machines;
        this.volumes = volumes;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        "/v1/orgs/{org_slug}/machines",
                        "Machines_org_list",
                        "List the machines of every app",
                        OrgPage.Ask.PARAMETERS,
                        this::machines),
                endpoint(
                        HttpMethod.GET,
                        "/v1/orgs/{org_slug}/volumes",
                        "Volumes_org_list",
                        "List the volumes of every app",
                        OrgPage.Ask.PARAMETERS,
                        this::volumes));
    }

    /** Lists machines. One host holds all of them, so no region can fail to respond. */
    private Response machines(ApiRequest request) {
        checkOrg(request.parameter("org_slug"));
        boolean summary = request.flag("summary");
        OrgPage.Ask ask = OrgPage.Ask.of(
                request,
                Arrays.stream(MachineState.values()).map(MachineState::wire).toList());
        List<OrgPage.Item> all = machines.everywhere(request.flag("include_deleted")).stream()
                .map(m -> new OrgPage.Item(
                        m.id().text(), m.updated(), m.region(), m.state().wire(), () -> view(m, summary)))
                .toList();
        ObjectNode body = OrgPage.of(all, ask).json("machine");
        body.putArray("error_regions");
        return Response.ok(body);
    }

    private Response volumes(ApiRequest request) {
        checkOrg(request.parameter("org_slug"));
        OrgPage.Ask ask = OrgPage.Ask.of(
                request,
                Arrays.stream(VolumeState.values()).map(VolumeState::wire).toList());
        boolean summary = request.flag("summary");
        List<Volume> all = new ArrayList<>(volumes.all());
        if (request.flag("include_deleted")) {
            all.addAll(volumes.destroyed());
        }
        List<OrgPage.Item> items = all.stream()
                .map(v -> new OrgPage.Item(
                        v.id().text(), v.updated(), v.region(), v.state().wire(), () -> view(v, summary)))
                .toList();
        return Response.ok(OrgPage.of(items, ask).json("volume"));
    }

    private ObjectNode view(Volume v, boolean summary) {
        return (summary ? VolumeViews.brief(v) : VolumeViews.volume(v, volumes)).put("app_name", v.app());
    }

    private static ObjectNode view(Machine m, boolean summary) {
        ObjectNode node = MachineViews.brief(m).put("app_name", m.app()).put("runtime", m.runtime());
        if (!summary) {
            ObjectNode config = node.putObject("config").put("image", m.config().image());
            config.set("guest", m.config().json().get("guest"));
            if (m.config().json().has("metadata")) {
                config.set("metadata", m.config().json().get("metadata"));
            }
        }
        return node;
    }

    static void checkOrg(String slug) {
        if (!slug.equals("personal") && !slug.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "there is no organisation " + (slug.length() > 60 ? slug.substring(0, 60) : slug),
                    "a host has exactly one: personal");
        }
    }
}
