package org.allod.machine;

import java.util.Collection;
import java.util.List;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;

/**
 * Decides who may have which port of the edge. All apps share HTTP ports, because the host name selects the app; a port
 * for raw TCP belongs to one app, because nothing in its bytes does. Pure.
 */
final class PortConflicts {
    private PortConflicts() {}

    /**
     * Refuses a configuration that asks for a port of another app, or uses one port in two ways.
     *
     * @param self the machine that the configuration is for
     */
    static void check(MachineConfig config, String app, MachineId self, Collection<Machine> all) {
        for (int s = 0; s < config.services().size(); s++) {
            List<MachineConfig.Port> ports = config.services().get(s).ports();
            for (int p = 0; p < ports.size(); p++) {
                String path = "config.services[%d].ports[%d]".formatted(s, p);
                itself(config, path, s, p);
                others(ports.get(p), path, app, self, all);
            }
        }
    }

    private static void itself(MachineConfig config, String path, int service, int place) {
        MachineConfig.Port mine = config.services().get(service).ports().get(place);
        for (int s = 0; s <= service; s++) {
            List<MachineConfig.Port> ports = config.services().get(s).ports();
            for (int p = 0; p < (s == service ? place : ports.size()); p++) {
                if (overlap(mine, ports.get(p))) {
                    throw RejectedException.invalid("%s asks for port %d, and so does config.services[%d].ports[%d]"
                            .formatted(path, Math.max(mine.first(), ports.get(p).first()), s, p));
                }
            }
        }
    }

    private static void others(
            MachineConfig.Port mine, String path, String app, MachineId self, Collection<Machine> all) {
        for (Machine other : all) {
            if (other.id().equals(self) || other.app().equals(app) || other.state() == MachineState.DESTROYED) {
                continue;
            }
            for (MachineConfig.Service service : other.config().services()) {
                for (MachineConfig.Port theirs : service.ports()) {
                    boolean shared = mine.http() && theirs.http() && mine.tls() == theirs.tls();
                    if (overlap(mine, theirs) && !shared) {
                        throw RejectedException.because(
                                RejectedException.Reason.CONFLICT,
                                "%s asks for port %d of the edge for %s, and app %s has it for %s (machine %s)"
                                        .formatted(
                                                path,
                                                Math.max(mine.first(), theirs.first()),
                                                mine.spoken(),
                                                other.app(),
                                                theirs.spoken(),
                                                other.id()),
                                "choose another port, or destroy what has it; nothing was changed");
                    }
                }
            }
        }
    }

    private static boolean overlap(MachineConfig.Port a, MachineConfig.Port b) {
        return a.first() <= b.last() && b.first() <= a.last();
    }
}
