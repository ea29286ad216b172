package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.allod.base.MachineId;
import org.allod.store.Database;

/** The rows of leases: one for each machine that was ever leased, so that its terms keep counting. */
final class LeaseTable {
    private final Database database;

    LeaseTable(Database database) {
        this.database = database;
    }

    List<Lease> all() {
        return database.read(tx -> tx.list(
                "SELECT machine, term, nonce, owner, description, ttl, expires FROM machine_lease",
                row -> new Lease(
                        new MachineId(row.getString(1)),
                        row.getLong(2),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        Duration.ofMillis(row.getLong(6)),
                        Instant.ofEpochMilli(row.getLong(7)))));
    }

    /** Writes a lease; durable when it returns. */
    void put(Lease lease) {
        database.write(tx -> tx.update(
                "INSERT OR REPLACE INTO machine_lease (machine, term, nonce, owner, description, ttl, expires) "
                        + "VALUES (?, ?, ?, ?, ?, ?, ?)",
                lease.machine().text(),
                lease.term(),
                lease.nonce(),
                lease.owner(),
                lease.description(),
                lease.ttl().toMillis(),
                lease.expires().toEpochMilli()));
    }

    /** Deletes the leases of machines that no longer exist. */
    void forget(List<MachineId> machines) {
        if (!machines.isEmpty()) {
            database.write(tx -> {
                for (MachineId machine : machines) {
                    tx.update("DELETE FROM machine_lease WHERE machine = ?", machine.text());
                }
                return 0;
            });
        }
    }
}
