package org.allod.edge;

import org.jspecify.annotations.Nullable;

/**
 * The catalog in the form that requests use. Immutable and replaced as a whole; shares unchanged parts with the
 * previous table.
 *
 * @param byApp routes by their name in the catalog
 */
record RouteTable(PersistentMap<AppRoute> byApp) {
    static final RouteTable EMPTY = new RouteTable(PersistentMap.empty());

    /** The app's route on this listener. HTTPS uses the route of HTTP unless the app has its own. */
    @Nullable
    AppRoute find(String app, ListenerSpec listener) {
        if (listener.port() == ListenerSpec.HTTP) {
            return byApp.get(app);
        }
        AppRoute own = byApp.get(ListenerSpec.route(app, listener.port()));
        return own == null && listener.port() == ListenerSpec.HTTPS ? byApp.get(app) : own;
    }
}
