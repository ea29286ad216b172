package org.allod.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Nearest;
import org.allod.base.Rejected;

/** A machine, as the daemon lists it, and the app it belongs to. */
record Found(String app, Json machine) {
    String id() {
        return machine.at("id").text();
    }

    String name() {
        return machine.at("name").text(id());
    }

    /** Its place in the API. */
    String path() {
        return "/v1/apps/" + Daemon.encode(app) + "/machines/" + Daemon.encode(id());
    }

    /** Every machine of the host, or of one app. */
    static List<Found> all(Daemon daemon, Optional<String> app) {
        if (app.isPresent()) {
            String name = app.orElseThrow();
            return daemon.get("/v1/apps/" + Daemon.encode(name) + "/machines").items().stream()
                    .map(machine -> new Found(name, machine))
                    .toList();
        }
        return everywhere(daemon, "");
    }

    /** The machines of every app in one state. */
    static List<Found> in(Daemon daemon, String state) {
        return everywhere(daemon, "state=" + Daemon.encode(state));
    }

    /** Page after page; one that changes meanwhile comes again, as it is then. */
    private static List<Found> everywhere(Daemon daemon, String query) {
        Map<String, Found> all = new LinkedHashMap<>();
        String next = query;
        while (true) {
            Json page = daemon.get("/v1/orgs/personal/machines" + (next.isEmpty() ? "" : "?" + next));
            List<Json> machines = page.at("machines").items();
            for (Json machine : machines) {
                Found found = new Found(machine.at("app_name").text(), machine);
                all.put(found.id(), found);
            }
            String cursor = page.at("next_cursor").text();
            if (cursor.isEmpty() || machines.isEmpty()) {
                return List.copyOf(all.values());
            }
            next = (query.isEmpty() ? "" : query + "&") + "cursor=" + Daemon.encode(cursor);
        }
    }

    /**
     * The one machine {@code typed} means: its id, its name, {@code APP/NAME}, or the beginning of an id or a name that
     * no other shares.
     */
    static Found one(Daemon daemon, String typed) {
        return one(all(daemon, Optional.empty()), typed);
    }

    static Found one(List<Found> all, String typed) {
        List<Found> exact = all.stream()
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
            throw Rejected.because(
                    Rejected.Reason.NOT_FOUND,
                    "no machine is called or begins with '" + typed + "'",
                    Nearest.to(typed, known)
                            .map(near -> "did you mean " + near + "?")
                            .orElse("`allod machine list` shows what there is"));
        }
        throw Rejected.because(
                Rejected.Reason.INVALID,
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
