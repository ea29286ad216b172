package org.allod.edge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything the edge routes by at one moment. Immutable: a change is a new catalog.
 *
 * @param apps by route: the name of the app for plain HTTP, {@link Door#route} for its other ports
 * @param doors the ports that are open beside the edge's own
 */
public record Catalog(Map<String, App> apps, List<Door> doors) {
    public static final Catalog EMPTY = new Catalog(Map.of());

    public Catalog {
        apps = Map.copyOf(apps);
        doors = List.copyOf(doors);
    }

    /** Only the edge's own address is open. */
    public Catalog(Map<String, App> apps) {
        this(apps, List.of());
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
