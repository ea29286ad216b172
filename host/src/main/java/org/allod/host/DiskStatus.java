package org.allod.host;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.allod.machine.DiskLevel;
import org.allod.machine.DiskPressureMonitor;
import org.allod.machine.DiskUsageReport;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;
import org.allod.store.Database;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Disk figures for status, doctor and metrics: how full it is, what uses it, and whether the reserve exists. */
final class DiskStatus implements MetricsSource, AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(30);
    /** While there is space, the data folder is walked only every this many checks: every ten minutes. */
    private static final int SELDOM = 20;

    private static final long MIB = 1L << 20;
    private static final int SHOWN = 5;

    private final Path data;
    private final DiskPressureMonitor keeper;
    private final Database database;
    private final SupervisedTimer walks;
    private final SupervisedTimer reserve;
    private volatile Map<String, Long> used = Map.of();
    private int sinceWalk = SELDOM;

    DiskStatus(Path data, DiskPressureMonitor keeper, Database database, Timers timers) {
        this.data = data;
        this.keeper = keeper;
        this.database = database;
        this.walks = new SupervisedTimer("disk-use", timers, EVERY, this::walk);
        this.reserve = new SupervisedTimer("disk-reserve", timers, EVERY, this::refill);
    }

    void start() {
        SupervisedTimer _ = walks.start();
        SupervisedTimer _ = reserve.start(Duration.ofSeconds(1));
    }

    @Override
    public void close() {
        walks.close();
        reserve.close();
    }

    private void walk() {
        if (sinceWalk++ >= SELDOM || keeper.level() != DiskLevel.OK) {
            used = DiskUse.of(data);
            sinceWalk = 0;
        }
    }

    /** Recreates the reserve of host.db once the disk has space for it. */
    private void refill() {
        if (keeper.level() == DiskLevel.OK) {
            boolean _ = database.refillReserve();
        }
    }

    void status(ObjectNode into) {
        DiskUsageReport report = keeper.report();
        ObjectNode disk = into.putObject("disk")
                .put("state", report.level().wire())
                .put("free_mb", report.free() / MIB)
                .put("total_mb", report.total() / MIB)
                .put("low_mb", report.marks().low() / MIB)
                .put("full_mb", report.marks().full() / MIB)
                .put("promised_mb", report.outstanding() / MIB)
                .put("volumes_promised_mb", report.volumes() / MIB)
                .put("machines_stopped", report.stops())
                .put("reserve", database.reserveHeld() ? "held" : "given up");
        ObjectNode kinds = disk.putObject("used_mb");
        used.forEach((kind, bytes) -> kinds.put(kind, bytes / MIB));
        ArrayNode machines = disk.putArray("machines");
        report.machines().stream()
                .limit(SHOWN)
                .forEach(use -> machines.addObject()
                        .put("id", use.machine().text())
                        .put("app", use.app())
                        .put("name", use.name())
                        .put("held_mb", use.held() / MIB)
                        .put("promised_mb", use.promised() / MIB));
    }

    void doctor(ArrayNode into) {
        DiskUsageReport report = keeper.report();
        used = DiskUse.of(data);
        String kinds = used.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .map(e -> e.getKey() + " " + e.getValue() / MIB + " MB")
                .collect(Collectors.joining(", "));
        String machines = report.machines().stream()
                .limit(SHOWN)
                .map(use -> "%s of %s %d of %d MB"
                        .formatted(use.machine(), use.app(), use.held() / MIB, use.promised() / MIB))
                .collect(Collectors.joining(", "));
        DoctorChecks.add(
                into,
                "disk at " + data,
                switch (report.level()) {
                    case OK -> "ok";
                    case LOW -> "warning";
                    case FULL -> "failed";
                },
                "%s: %d of %d MB free, %d MB of it promised to machines and %d MB to volumes; used: %s%s"
                        .formatted(
                                report.level() == DiskLevel.FULL
                                        ? "disk full"
                                        : report.level().wire(),
                                report.free() / MIB,
                                report.total() / MIB,
                                report.outstanding() / MIB,
                                report.volumes() / MIB,
                                kinds,
                                machines.isEmpty()
                                        ? ""
                                        : "; layers that hold most, of what they are promised: " + machines),
                "make room: stop or destroy machines, remove images (`allod image list`), volumes or snapshots");
        DoctorChecks.add(
                into,
                "reserve of host.db",
                database.reserveHeld() ? "ok" : "warning",
                database.reserveHeld() ? "held" : "not there: it is made once the disk has room for it",
                "make room on the disk");
    }

    @Override
    public void collect(MetricsBuilder into) {
        DiskUsageReport report = keeper.report();
        into.gauge("allod_disk_size_bytes", "The file system of the data folder.", report.total());
        into.gauge("allod_disk_free_bytes", "What may still be written to it.", report.free());
        for (DiskLevel level : DiskLevel.values()) {
            into.gauge(
                    "allod_disk_state",
                    "1 for the state the disk is in.",
                    level == report.level() ? 1 : 0,
                    "state",
                    level.wire());
        }
        into.gauge(
                "allod_disk_promised_bytes", "Promised and not yet written.", report.outstanding(), "to", "machines");
        into.gauge("allod_disk_promised_bytes", "Promised and not yet written.", report.volumes(), "to", "volumes");
        used.forEach((kind, bytes) -> into.gauge(
                "allod_disk_used_bytes",
                "Blocks of the data folder's files, looked at now and then.",
                bytes,
                "what",
                kind));
        into.counter("allod_disk_stops", "Machines stopped because the disk was full.", report.stops());
        into.gauge(
                "allod_database_reserve_held",
                "1 while host.db has its reserve for a full disk.",
                database.reserveHeld() ? 1 : 0);
        into.counter(
                "allod_database_reserve_given_up",
                "How often a full disk took the reserve.",
                database.reserveGivenUp());
    }
}
