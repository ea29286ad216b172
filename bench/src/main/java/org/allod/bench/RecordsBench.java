package org.allod.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;
import org.allod.base.SystemClock;

/**
 * A host with very many stopped machines: how long its daemon takes to serve, the memory that each takes, and how fast
 * one machine and a list of a thousand are read.
 *
 * <p>One machine is created through the API; the rest are copies of its row, each with a configuration of its own,
 * because creating a hundred thousand would measure something else.
 */
final class RecordsBench extends GuestBench {
    private static final double START = 5_000;
    private static final double KIB_EACH = 20;
    private static final double ONE = 5;
    private static final double LIST = 40;
    private static final int PER_SECOND = 200;
    private static final int LISTED = 1_000;

    RecordsBench() {
        super(Map.of("machines", "100000", "seconds", "10"));
    }

    @Override
    public String name() {
        return "records";
    }

    @Override
    public String purpose() {
        return "very many stopped machines: start, memory, reading one and a list of 1,000";
    }

    @Override
    void measure(Arguments args) throws IOException {
        int machines = args.number("machines");
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor")) {
            String one = daemon.json("POST", BenchDaemon.machines(), """
                    {"name":"one","skip_launch":true,"config":{"image":"web","env":{"PORT":"8080","MODE":"worker"},
                     "guest":{"cpus":1,"memory_mb":128},"metadata":{"role":"pool","owner":"bench"},
                     "services":[{"internal_port":8080,"ports":[{"port":80,"handlers":["http"]}]}]}}
                    """.replace("\n", ""))
                    .get("id")
                    .stringValue();
            daemon.call("POST", "/v1/apps", "{\"name\":\"crowd\",\"org_slug\":\"personal\"}");
            daemon.stop();
            daemon.start();
            double empty = DaemonBench.residentMb(daemon.pid());
            daemon.stop();
            copy(daemon.data().resolve("host.db"), one, BenchDaemon.APP, LISTED - 1);
            copy(daemon.data().resolve("host.db"), one, "crowd", machines - LISTED);
            double started = daemon.start();
            List<Double> one99 = new ArrayList<>();
            List<Double> list99 = new ArrayList<>();
            for (int round = 0; round < 3; round++) {
                one99.add(read(daemon, args, BenchDaemon.path(one)));
                list99.add(read(daemon, args, BenchDaemon.machines()));
            }
            double full = DaemonBench.residentMb(daemon.pid());
            // No guest ever ran: only the image is mounted.
            daemon.abandon();
            String many = String.format("%,d records: ", machines);
            ResultRow.bound(args.json(), many + "start to serving", "ms", List.of(started), List.of(), START);
            ResultRow.bound(
                    args.json(),
                    many + "memory each",
                    "KiB",
                    List.of((full - empty) * 1024 / machines),
                    List.of(),
                    KIB_EACH);
            ResultRow.bound(args.json(), "GET one, p99 at 200/s", "ms", one99, List.of(), ONE);
            ResultRow.bound(args.json(), "list 1,000, p99 at 200/s", "ms", list99, List.of(), LIST);
        }
    }

    private static double read(BenchDaemon daemon, Arguments args, String path) {
        return OpenLoop.run(
                        new SystemClock(),
                        daemon.apiPort(),
                        new OpenLoop.Request(path, "localhost", daemon.authorization()),
                        PER_SECOND,
                        args.number("seconds"),
                        8)
                .millis(0.99);
    }

    /** Copies a machine's rows, each copy with its own id, name and variable. */
    private static void copy(Path database, String machine, String app, int count) {
        long first = app.equals(BenchDaemon.APP) ? 0x1000_0000_0000L : 0x2000_0000_0000L;
        String numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) ";
        String id = "printf('%014x', ?2 + i)";
        try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + database)) {
            db.setAutoCommit(false);
            String network = "(SELECT network FROM app WHERE name = ?4)";
            run(
                    db,
                    numbers + "INSERT INTO machine (id, app, name, state, updated, record) "
                            + "SELECT " + id + ", ?4, name || '-' || i, 'stopped', updated, json_set(record, '$.id', "
                            + id
                            + ", '$.app', ?4, '$.name', name || '-' || i, '$.state', 'stopped', '$.config.env.NUMBER', '' || i,"
                            + " '$.network', " + network + ") FROM machine, n WHERE machine.id = ?3",
                    count,
                    first,
                    machine,
                    app);
            run(
                    db,
                    numbers + "INSERT INTO machine_version (machine, version, config) "
                            + "SELECT " + id + ", version, json_set(config, '$.env.NUMBER', '' || i) "
                            + "FROM machine_version, n WHERE machine = ?3 AND ?4 = ?4",
                    count,
                    first,
                    machine,
                    app);
            run(
                    db,
                    numbers + "INSERT INTO machine_event (machine, id, type, status, source, at, request) "
                            + "SELECT " + id + ", e.id, type, status, source, at, request "
                            + "FROM machine_event e, n WHERE machine = ?3 AND ?4 = ?4",
                    count,
                    first,
                    machine,
                    app);
            db.commit();
        } catch (SQLException e) {
            throw new FailedException("cannot copy machines in " + database, e);
        }
    }

    private static void run(Connection db, String sql, int count, long first, String machine, String app)
            throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            statement.setInt(1, count);
            statement.setLong(2, first);
            statement.setString(3, machine);
            statement.setString(4, app);
            statement.executeUpdate();
        }
    }
}
