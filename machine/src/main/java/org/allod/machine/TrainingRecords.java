package org.allod.machine;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.runtime.GuestSpec;
import org.allod.store.Database;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes records of stopped machines for the training run from which the daemon's AOT cache is made, so that the cache
 * covers what a host with thousands of machines does at its start.
 */
public final class TrainingRecords {
    private static final int AT_ONCE = 64;

    private TrainingRecords() {}

    /**
     * Creates an app and records machines in it.
     *
     * @param database a database with {@link MachineSchema#SCHEMA} that is used for training only
     */
    public static void write(Database database, String app, int count, Clock clock, IdGenerator ids) {
        App owner = new AppTable(database, clock).create(app, Optional.empty());
        MachineTable table = new MachineTable(database);
        Semaphore atOnce = new Semaphore(AT_ONCE);
        for (int i = 0; i < count; i++) {
            Machine machine = machine(owner, i, clock, ids);
            MachineEvent event = new MachineEvent(
                    ids.ulid(), "stop", "stopped", "user", clock.wall(), JsonNodeFactory.instance.objectNode());
            atOnce.acquireUninterruptibly();
            Thread.ofVirtual().start(() -> {
                try {
                    table.put(machine, List.of(event));
                } finally {
                    atOnce.release();
                }
            });
        }
        atOnce.acquireUninterruptibly(AT_ONCE);
    }

    private static Machine machine(App app, int number, Clock clock, IdGenerator ids) {
        ObjectNode config = JsonNodeFactory.instance.objectNode().put("image", "web");
        config.putObject("env").put("PORT", "8080").put("NUMBER", String.valueOf(number));
        config.putObject("metadata").put("role", "pool");
        ObjectNode port = config.putArray("services")
                .addObject()
                .put("internal_port", 8080)
                .putArray("ports")
                .addObject()
                .put("port", 80);
        port.putArray("handlers").add("http");
        MachineId id = ids.machine();
        return new Machine(
                id,
                app.name(),
                app.network(),
                "sample-" + number,
                "local",
                "gvisor",
                ids.ulid(),
                ConfigReader.read(StrictJsonReader.of(config, "config")),
                Optional.of(new Machine.ImageRef("local", "web", "latest", "sha256:" + "0".repeat(64))),
                MachineState.STOPPED,
                false,
                0,
                Optional.of(clock.wall()),
                clock.wall(),
                clock.wall(),
                new GuestSpec.Net(1, app.network()).address(id));
    }
}
