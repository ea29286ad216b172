package org.allod.edge;

/**
 * An app's way into its machines: the catalog's immutable picture beside what lives. One is made for each app in each
 * catalog; {@code lives} and {@code room} are handed from one to the next.
 *
 * @param lives in the order of the app's backends
 */
record AppRoute(CatalogApp app, ChunkedList<BackendState> lives, HoldLimit room) implements BackendSet {
    @Override
    public int size() {
        return lives.size();
    }

    @Override
    public Backend backend(int index) {
        Backend awake = lives.get(index).wokenBackend();
        return awake != null ? awake : app.backends().get(index);
    }

    @Override
    public int load(int index) {
        return lives.get(index).load();
    }

    @Override
    public boolean draining(int index) {
        return lives.get(index).draining();
    }

    @Override
    public boolean waking(int index) {
        return lives.get(index).waking();
    }
}
