package org.allod.machine;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.allod.base.Clock;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import org.allod.store.Database;

/** The apps of this host: in {@code host.db}, and in memory for readers. */
final class AppTable {
    private static final String NETWORK = "[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?";
    private static final String NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

    private final Database database;
    private final Clock clock;
    private final ConcurrentSkipListMap<String, App> apps = new ConcurrentSkipListMap<>();
    private final List<AppDeletionListener> ends = new CopyOnWriteArrayList<>();
    private final AppDeletionLock gate = new AppDeletionLock();

    AppTable(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        database.<List<App>>read(tx -> tx.list(
                        "SELECT name, network, network_name, created FROM app",
                        row -> new App(
                                row.getString(1),
                                row.getInt(2),
                                row.getString(3),
                                Instant.ofEpochMilli(row.getLong(4)))))
                .forEach(app -> apps.put(app.name(), app));
    }

    /** Creates an app, on a network of its own or on a named one that it shares with other apps. */
    App create(String name, Optional<String> network) {
        if (!name.matches(NAME)) {
            throw RejectedException.invalid(
                    "app name \"%s\": it must be 1 to 63 small letters, digits and hyphens, and begin ".formatted(name)
                            + "and end with a letter or digit, since it becomes a host name");
        }
        network.filter(n -> !n.isEmpty() && !n.matches(NETWORK)).ifPresent(n -> {
            // Any other text could be the internal name of an app's private network, which no other app may join.
            throw RejectedException.invalid(
                    "network is \"%s\": it must be 1 to 63 letters, digits, hyphens and underscores"
                            .formatted(StrictJsonReader.clip(n)));
        });
        return gate.withExclusive(name, () -> insert(name, network));
    }

    private App insert(String name, Optional<String> network) {
        String networkName = network.filter(n -> !n.isEmpty()).orElse("app:" + name);
        Instant now = clock.wall();
        App app = database.write(tx -> {
            if (tx.first("SELECT 1 FROM app WHERE name = ?", row -> 1, name).isPresent()) {
                throw RejectedException.because(
                        RejectedException.Reason.NAME_TAKEN, "app " + name + " exists already", "choose another name");
            }
            // A private network is new with each app, so rename an old one of that name; a named one is reused.
            if (network.isEmpty()) {
                tx.update("UPDATE network SET name = 'was ' || id || ' ' || name WHERE name = ?", networkName);
            }
            tx.update("INSERT OR IGNORE INTO network (name) VALUES (?)", networkName);
            int number = tx.first("SELECT id FROM network WHERE name = ?", row -> row.getInt(1), networkName)
                    .orElseThrow();
            tx.update(
                    "INSERT INTO app (name, network, network_name, created) VALUES (?, ?, ?, ?)",
                    name,
                    number,
                    networkName,
                    now.toEpochMilli());
            return new App(name, number, networkName, Instant.ofEpochMilli(now.toEpochMilli()));
        });
        apps.put(name, app);
        return app;
    }

    Optional<App> find(String name) {
        return Optional.ofNullable(apps.get(name));
    }

    App get(String name) {
        App app = apps.get(name);
        if (app == null) {
            Optional<String> near = DidYouMean.nearest(name, apps.keySet());
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "there is no app " + name,
                    near.map(n -> "did you mean " + n + "?").orElse("create it with POST /v1/apps"));
        }
        return app;
    }

    List<App> list() {
        return List.copyOf(apps.values());
    }

    /** Runs short work during which the app cannot be deleted. */
    <T, E extends Exception> T within(String name, Within<T, E> work) throws E {
        return gate.within(name, () -> work.run(get(name)));
    }

    /** What {@link #within} runs. */
    interface Within<T, E extends Exception> {
        T run(App app) throws E;
    }

    /** Checks whether an app is empty. */
    interface Empty<E extends Exception> {
        boolean check() throws E;
    }

    /** Empties an app. */
    interface Emptying<E extends Exception> {
        void run() throws E;
    }

    /**
     * Deletes the app, and in the same transaction what other rooms keep for it. Nothing can be created in it
     * meanwhile.
     *
     * @param empty checks whether the app is empty; may refuse the deletion
     * @param first empties the app, if it is not empty
     */
    <E extends Exception> void delete(String name, Empty<E> empty, Emptying<E> first) throws E {
        boolean deleted = gate.withExclusive(name, () -> {
            get(name);
            if (empty.check()) {
                end(name);
                return true;
            }
            if (!gate.close(name)) {
                throw RejectedException.conflict("app " + name + " is being deleted already");
            }
            return false;
        });
        if (!deleted) {
            try {
                first.run();
                gate.withExclusive(name, () -> {
                    end(name);
                    return name;
                });
            } finally {
                gate.open(name);
            }
        }
    }

    private void end(String name) {
        database.write(tx -> {
            for (AppDeletionListener end : ends) {
                end.in(tx, name);
            }
            return tx.update("DELETE FROM app WHERE name = ?", name);
        });
        apps.remove(name);
        ends.forEach(end -> end.after(name));
    }

    void atEnd(AppDeletionListener end) {
        ends.add(end);
    }
}
