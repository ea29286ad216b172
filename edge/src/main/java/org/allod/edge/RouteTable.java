package org.allod.edge;

import org.jspecify.annotations.Nullable;

/**
 * The catalog made ready for requests. Immutable, swapped whole; shares what has not changed with the one before.
 *
 * @param byApp as the catalog names them
 */
record RouteTable(PersistentMap<AppRoute> byApp) {
    static final RouteTable EMPTY = new RouteTable(PersistentMap.empty());

    /** The app's way from this door; HTTPS finds what HTTP finds where the app says nothing of it. */
    @Nullable
    AppRoute find(String app, ListenerSpec listener) {
        if (listener.port() == ListenerSpec.HTTP) {
            return byApp.get(app);
        }
        AppRoute own = byApp.get(ListenerSpec.route(app, listener.port()));
        return own == null && listener.port() == ListenerSpec.HTTPS ? byApp.get(app) : own;
    }
}
