package org.allod.edge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything the edge routes by at one moment. Immutable: a change is a new catalog that shares its unchanged parts
 * with the previous one ({@link PersistentMap#with}, {@link ChunkedList#with}), so that the edge compares only what
 * differs.
 *
 * @param apps by route: the name of the app for plain HTTP, {@link ListenerSpec#route} for its other ports
 * @param doors the ports that are open in addition to the edge's own
 */
public record Catalog(PersistentMap<CatalogApp> apps, List<ListenerSpec> doors) {
    public static final Catalog EMPTY = new Catalog(Map.of());

    public Catalog {
        doors = List.copyOf(doors);
    }

    /** A catalog that shares nothing with others. */
    public Catalog(Map<String, CatalogApp> apps, List<ListenerSpec> doors) {
        this(PersistentMap.of(apps), doors);
    }

    /** A catalog in which only the edge's own address is open. */
    public Catalog(Map<String, CatalogApp> apps) {
        this(apps, List.of());
    }

    public static Catalog of(List<CatalogApp> apps) {
        Map<String, CatalogApp> byName = new HashMap<>();
        for (CatalogApp app : apps) {
            if (byName.put(app.name(), app) != null) {
                throw new IllegalArgumentException("two apps are named " + app.name());
            }
        }
        return new Catalog(byName);
    }
}
