package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Timers;

/**
 * Runs the health checks of running machines at their intervals, and keeps the last result of each. Checks end when
 * their machine stops running. At most one probe of a check is under way. Safe for any thread.
 */
final class HealthChecker {
    private final Clock clock;
    private final Timers timers;
    private final HealthProbe probe;
    private final Map<MachineId, Round> rounds = new ConcurrentHashMap<>();
    private final Consumer<MachineId> changed;

    /** The checks of one start of one machine. */
    private static final class Round {
        final String version;
        final Map<String, CheckStatus> statuses = new ConcurrentSkipListMap<>();
        /** The service that a check belongs to, by its index in the configuration. */
        final Map<String, Integer> services = new ConcurrentHashMap<>();

        volatile boolean over;

        Round(String version) {
            this.version = version;
        }
    }

    /**
     * @param changed called when a check of a machine begins to pass or to fail
     */
    HealthChecker(Clock clock, Timers timers, HealthProbe probe, Consumer<MachineId> changed) {
        this.clock = clock;
        this.timers = timers;
        this.probe = probe;
        this.changed = changed;
    }

    List<CheckStatus> of(MachineId machine) {
        Round round = rounds.get(machine);
        return round == null ? List.of() : List.copyOf(round.statuses.values());
    }

    /** Whether the edge may send traffic to the machine: every check that gates traffic passes. */
    boolean healthy(MachineId machine) {
        Round round = rounds.get(machine);
        return round == null || round.statuses.values().stream().allMatch(s -> !s.service() || s.passing());
    }

    /** Whether the edge may send traffic to one service: its own checks pass, and those of the whole machine. */
    boolean healthy(MachineId machine, int service) {
        Round round = rounds.get(machine);
        return round == null
                || round.statuses.values().stream()
                        .allMatch(s -> !s.service()
                                || s.passing()
                                || round.services.getOrDefault(s.name(), service) != service);
    }

    /** Follows a changed record: starts the machine's checks, keeps them or ends them. */
    void follow(Machine m) {
        Round round = rounds.get(m.id());
        boolean runs = m.state() == MachineState.STARTED;
        if (round != null && (!runs || !round.version.equals(since(m)))) {
            round.over = true;
            rounds.remove(m.id(), round);
            round = null;
        }
        if (runs && round == null) {
            begin(m);
        }
    }

    private static String since(Machine m) {
        return m.version() + "@" + m.started().map(Instant::toString).orElse("");
    }

    private void begin(Machine m) {
        Round round = new Round(since(m));
        if (m.config().checks().isEmpty()
                && m.config().services().stream().allMatch(s -> s.checks().isEmpty())) {
            return;
        }
        rounds.put(m.id(), round);
        m.config().checks().forEach((name, check) -> schedule(m, round, name, check, check.readiness()));
        int number = 0;
        for (int s = 0; s < m.config().services().size(); s++) {
            MachineConfig.Service service = m.config().services().get(s);
            for (MachineConfig.Check check : service.checks()) {
                String name = String.format(
                        Locale.ROOT, "servicecheck-%02d-%s-%d", number++, check.http() ? "http" : "tcp", check.port());
                round.services.put(name, s);
                schedule(m, round, name, check, true);
            }
        }
    }

    private void schedule(Machine m, Round round, String name, MachineConfig.Check check, boolean gates) {
        round.statuses.put(name, new CheckStatus(name, "warning", "not asked yet", clock.wall(), gates));
        long graceOver = clock.monoNanos() + check.grace().toNanos();
        ask(m, round, name, check, gates, graceOver, Duration.ofMillis(50));
    }

    private void ask(
            Machine m,
            Round round,
            String name,
            MachineConfig.Check check,
            boolean gates,
            long graceOver,
            Duration delay) {
        timers.after(delay, () -> {
            if (round.over) {
                return;
            }
            try {
                asked(m, round, name, check, gates, graceOver);
            } finally {
                // Schedule the next probe even if this one threw, which the timers report.
                ask(m, round, name, check, gates, graceOver, check.interval());
            }
        });
    }

    private void asked(Machine m, Round round, String name, MachineConfig.Check check, boolean gates, long graceOver) {
        HealthProbe.Finding finding = probe.ask(m.address(), check);
        boolean grace = clock.monoNanos() < graceOver;
        String status = finding.ok() ? "passing" : grace ? "warning" : "critical";
        CheckStatus before =
                round.statuses.put(name, new CheckStatus(name, status, finding.output(), clock.wall(), gates));
        if (before == null || before.passing() != finding.ok()) {
            changed.accept(m.id());
        }
    }
}
