package org.allod.host;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.allod.base.BelievedClock;
import org.allod.base.FailedException;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;

/** Metrics of the daemon process, under the standard process metric names, and of its database file. */
final class DaemonMetrics implements MetricsSource {
    private final String version;
    private final String region;
    private final Path database;
    private final BelievedClock clock;
    private final long began;

    DaemonMetrics(String version, String region, Path database, BelievedClock clock, long began) {
        this.version = version;
        this.region = region;
        this.database = database;
        this.clock = clock;
        this.began = began;
    }

    @Override
    public void collect(MetricsBuilder into) {
        into.gauge("allod_build_info", "1, with the version.", 1, "version", version, "region", region);
        into.gauge(
                "allod_clock_believed",
                "1 where the calendar has been steady for a day: only then is anything deleted for its age.",
                clock.believedWall().isPresent() ? 1 : 0);
        into.counter("allod_clock_steps", "Steps of the calendar.", clock.steps());
        into.gauge("allod_uptime_seconds", "Since the daemon started.", (clock.monoNanos() - began) / 1e9);
        ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .ifPresent(cpu ->
                        into.counter("process_cpu_seconds", "Processor time of the daemon.", cpu.toNanos() / 1e9));
        into.gauge("process_open_fds", "Files the daemon has open.", openFiles());
        into.gauge("process_max_fds", "Files the daemon may have open.", ConnectionLimits.openFiles());
        ProcessMemory.status("VmRSS:")
                .ifPresent(kib -> into.gauge("process_resident_memory_bytes", "Memory of the daemon.", kib * 1_024));
        ProcessMemory.status("Threads:")
                .ifPresent(count -> into.gauge("process_threads", "Threads of the daemon, virtual ones apart.", count));
        into.gauge("allod_database_bytes", "host.db with its log.", length("") + length("-wal"));
    }

    private static double openFiles() {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        } catch (IOException e) {
            throw new FailedException("cannot read /proc/self/fd", e);
        }
    }

    private double length(String suffix) {
        // File reports length 0 for a log that does not exist.
        return new File(database + suffix).length();
    }
}
