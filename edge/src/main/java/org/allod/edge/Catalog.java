package org.allod.edge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Everything the edge routes by at one moment, by the name of the app. Immutable: a change is a new catalog. */
public record Catalog(Map<String, App> apps) {
    public static final Catalog EMPTY = new Catalog(Map.of());

    public Catalog {
        apps = Map.copyOf(apps);
    }

    public static Catalog of(List<App> apps) {
        Map<String, App> byName = new HashMap<>();
        for (App app : apps) {
            if (byName.put(app.name(), app) != null) {
                throw new IllegalArgumentException("two apps are named " + app.name());
            }
        }
        return new Catalog(byName);
    }
}
