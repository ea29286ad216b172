package org.allod.machine;

import java.util.List;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore;
import org.allod.image.Requester;

/**
 * Limits what a token of an app may ask for in a configuration. What only the operator may ask for is refused here
 * before anything is created; what the operator gave a machine, the machine keeps.
 */
final class TenantRules {
    private final ImageStore images;
    private final RawPorts rawPorts;
    private final MachineIndex index;

    TenantRules(ImageStore images, RawPorts rawPorts, MachineIndex index) {
        this.images = images;
        this.rawPorts = rawPorts;
        this.index = index;
    }

    /**
     * Refuses what the caller may not ask for.
     *
     * @param tenant whether the caller has only a token of {@code app}; the operator may name any image, and any port
     *     but the host's own
     */
    void check(MachineConfig config, String app, boolean tenant) {
        if (tenant) {
            Requester by = Requester.of(app, true);
            admit(config, config.image(), by);
            config.otherImages().forEach(other -> admit(config, other, by));
        }
        for (int s = 0; s < config.services().size(); s++) {
            List<MachineConfig.Port> ports = config.services().get(s).ports();
            for (int p = 0; p < ports.size(); p++) {
                check("config.services[%d].ports[%d]".formatted(s, p), ports.get(p), app, tenant);
            }
        }
    }

    private void admit(MachineConfig config, String reference, Requester by) {
        GuestSpecFactory.inField(config, reference, () -> {
            images.admit(reference, by);
            return reference;
        });
    }

    private void check(String path, MachineConfig.Port port, String app, boolean tenant) {
        if (!port.http() && rawPorts.isTaken(port)) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "%s asks for port %d of the edge for %s, where this host's own API or edge is"
                            .formatted(path, port.first(), port.spoken()),
                    "choose another port; nothing was changed");
        }
        // HTTP ports are shared by host name; below 1024 only the two that are meant for it may be.
        boolean shared = port.http() && (port.first() >= 1024 || port.first() == 80 || port.first() == 443);
        if (tenant && !shared && !rawPorts.contains(port) && !isHeld(app, port)) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "%s asks for port %s of the edge for %s: a token of an app may have %s"
                            .formatted(
                                    path,
                                    port.first() == port.last() ? "" + port.first() : port.first() + "-" + port.last(),
                                    port.spoken(),
                                    rawPorts),
                    "choose a port of those, or ask the operator (`--app-ports`); nothing was changed");
        }
    }

    /** Whether a machine of the app has the port already; a deploy's new machines may then have it too. */
    private boolean isHeld(String app, MachineConfig.Port port) {
        return index.of(app).stream()
                .flatMap(m -> m.config().services().stream())
                .flatMap(service -> service.ports().stream())
                .anyMatch(held ->
                        held.http() == port.http() && held.first() <= port.first() && port.last() <= held.last());
    }
}
