package org.allod.edge;

import org.jspecify.annotations.Nullable;

/**
 * The catalog made ready for requests. Immutable, swapped whole; shares what has not changed with the one before.
 *
 * @param byApp as the catalog names them
 */
record Routes(Spread<Route> byApp) {
    static final Routes EMPTY = new Routes(Spread.empty());

    /** The app's way from this door; HTTPS finds what HTTP finds where the app says nothing of it. */
    @Nullable
    Route find(String app, Door door) {
        if (door.port() == Door.HTTP) {
            return byApp.get(app);
        }
        Route own = byApp.get(Door.route(app, door.port()));
        return own == null && door.port() == Door.HTTPS ? byApp.get(app) : own;
    }
}
