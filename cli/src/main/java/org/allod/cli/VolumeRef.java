package org.allod.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;

/** A volume, as the daemon lists it, and its app. */
record VolumeRef(String app, Json volume) {
    /** A complete id: deleted volumes are found only by it. */
    private static final String WHOLE_ID = "vol_[a-z0-9]{16}";

    String id() {
        return volume.at("id").text();
    }

    String name() {
        return volume.at("name").text();
    }

    /** Its path in the API. */
    String path() {
        return path(app) + "/" + DaemonClient.encode(id());
    }

    static String path(String app) {
        return "/v1/apps/" + DaemonClient.encode(app) + "/volumes";
    }

    /** Every volume of the host, or of one app; with {@code deleted} also recently deleted ones. */
    static List<VolumeRef> all(DaemonClient daemon, Optional<String> app, boolean deleted) {
        if (app.isPresent() && !deleted) {
            String name = app.orElseThrow();
            return daemon.get(path(name) + "?summary=true").items().stream()
                    .map(volume -> new VolumeRef(name, volume))
                    .toList();
        }
        return everywhere(daemon, deleted).stream()
                .filter(v -> app.isEmpty() || v.app().equals(app.orElseThrow()))
                .toList();
    }

    /** Reads page after page; a volume that changes meanwhile appears again in its new state. */
    private static List<VolumeRef> everywhere(DaemonClient daemon, boolean deleted) {
        String query = "/v1/orgs/personal/volumes?summary=true" + (deleted ? "&include_deleted=true" : "");
        Map<String, VolumeRef> all = new LinkedHashMap<>();
        String next = query;
        while (true) {
            Json page = daemon.get(next);
            List<Json> volumes = page.at("volumes").items();
            for (Json volume : volumes) {
                VolumeRef found = new VolumeRef(volume.at("app_name").text(), volume);
                all.put(found.id(), found);
            }
            String cursor = page.at("next_cursor").text();
            if (cursor.isEmpty() || volumes.isEmpty()) {
                return List.copyOf(all.values());
            }
            next = query + "&cursor=" + DaemonClient.encode(cursor);
        }
    }

    /** The volume that {@code typed} identifies. */
    static VolumeRef one(DaemonClient daemon, String typed) {
        return one(all(daemon, Optional.empty(), false), typed);
    }

    /** As above; a complete id also finds a recently deleted volume, whose snapshots still exist. */
    static VolumeRef oneLivingOrNot(DaemonClient daemon, String typed) {
        boolean whole = typed.matches(WHOLE_ID);
        return one(all(daemon, Optional.empty(), whole), typed);
    }

    static VolumeRef one(List<VolumeRef> all, String typed) {
        List<VolumeRef> fits = all(all, v -> v.id().equals(typed) || (v.app() + "/" + v.name()).equals(typed));
        if (fits.isEmpty()) {
            fits = all(all, v -> v.name().equals(typed));
        }
        if (fits.isEmpty() && typed.startsWith("vol_")) {
            fits = all(all, v -> v.id().startsWith(typed));
        }
        if (fits.size() == 1) {
            return fits.getFirst();
        }
        if (fits.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "no volume is called '" + typed + "'",
                    DidYouMean.nearest(typed, all.stream().map(VolumeRef::name).toList())
                            .map(near -> "did you mean " + near + "?")
                            .orElse("`allod volume list` shows what there is"));
        }
        List<String> could = fits.stream()
                .map(v -> v.app() + "/" + v.name() + " (" + v.id() + ")")
                .limit(8)
                .toList();
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                "'" + typed + "' could mean " + String.join(", ", could),
                "say APP/NAME, or its id");
    }

    private static List<VolumeRef> all(List<VolumeRef> all, Predicate<VolumeRef> which) {
        return all.stream().filter(which).toList();
    }

    /** The volume's JSON with its app. */
    Json withApp() {
        Map<String, Json> fields = new LinkedHashMap<>();
        fields.put("app_name", Json.of(app));
        fields.putAll(volume.map());
        return new Json.Obj(fields);
    }
}
