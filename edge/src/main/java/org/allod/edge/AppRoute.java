package org.allod.edge;

/**
 * An app's route: the catalog's immutable description beside the mutable state of its machines. Each catalog has one
 * for each app; {@code lives} and {@code room} carry over from one catalog to the next.
 *
 * @param lives state of each backend, in the order of the app's backends
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
