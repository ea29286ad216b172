package org.allod.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;

/** A machine, as the daemon lists it, and its app. */
record MachineRef(String app, Json machine) {
    String id() {
        return machine.at("id").text();
    }

    String name() {
        return machine.at("name").text(id());
    }

    /** Its path in the API. */
    String path() {
        return "/v1/apps/" + DaemonClient.encode(app) + "/machines/" + DaemonClient.encode(id());
    }

    /** Every machine of the host, or of one app. */
    static List<MachineRef> all(DaemonClient daemon, Optional<String> app) {
        if (app.isPresent()) {
            String name = app.orElseThrow();
            return daemon.get("/v1/apps/" + DaemonClient.encode(name) + "/machines").items().stream()
                    .map(machine -> new MachineRef(name, machine))
                    .toList();
        }
        return everywhere(daemon, "");
    }

    /** The machines of every app in one state. */
    static List<MachineRef> in(DaemonClient daemon, String state) {
        return everywhere(daemon, "state=" + DaemonClient.encode(state));
    }

    /** Reads page after page; a machine that changes meanwhile appears again in its new state. */
    private static List<MachineRef> everywhere(DaemonClient daemon, String query) {
        Map<String, MachineRef> all = new LinkedHashMap<>();
        String next = query;
        while (true) {
            Json page = daemon.get("/v1/orgs/personal/machines" + (next.isEmpty() ? "" : "?" + next));
            List<Json> machines = page.at("machines").items();
            for (Json machine : machines) {
                MachineRef ref = new MachineRef(machine.at("app_name").text(), machine);
                all.put(ref.id(), ref);
            }
            String cursor = page.at("next_cursor").text();
            if (cursor.isEmpty() || machines.isEmpty()) {
                return List.copyOf(all.values());
            }
            next = (query.isEmpty() ? "" : query + "&") + "cursor=" + DaemonClient.encode(cursor);
        }
    }

    /**
     * The machine that {@code typed} identifies: by id, name, {@code APP/NAME}, or a unique prefix of an id or name.
     */
    static MachineRef one(DaemonClient daemon, String typed) {
        return one(all(daemon, Optional.empty()), typed);
    }

    static MachineRef one(List<MachineRef> all, String typed) {
        List<MachineRef> exact = all.stream()
                .filter(m -> m.id().equals(typed) || (m.app() + "/" + m.name()).equals(typed))
                .toList();
        if (exact.isEmpty()) {
            exact = all.stream().filter(m -> m.name().equals(typed)).toList();
        }
        if (exact.isEmpty() && !typed.isEmpty()) {
            exact = all.stream()
                    .filter(m -> m.id().startsWith(typed) || m.name().startsWith(typed))
                    .toList();
        }
        if (exact.size() == 1) {
            return exact.getFirst();
        }
        if (exact.isEmpty()) {
            List<String> known = new ArrayList<>();
            all.forEach(m -> known.add(m.name()));
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "no machine is called or begins with '" + typed + "'",
                    DidYouMean.nearest(typed, known)
                            .map(near -> "did you mean " + near + "?")
                            .orElse("`allod machine list` shows what there is"));
        }
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                "'" + typed + "' could mean "
                        + String.join(
                                ", ",
                                exact.stream()
                                        .map(m -> m.app() + "/" + m.name() + " (" + m.id() + ")")
                                        .limit(8)
                                        .toList()),
                "say APP/NAME, or more of the id");
    }
}
