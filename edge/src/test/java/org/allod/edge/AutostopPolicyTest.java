package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

class AutostopPolicyTest {
    private static final Duration GRACE = Duration.ofMinutes(5);
    private static final Service STOPS =
            Service.plain().limited(Service.Concurrency.REQUESTS, 2, 4).stopping(Autostop.STOP);

    private static AutostopPolicy.Candidate machine(int id, Service service, int load, int idleMinutes) {
        return new AutostopPolicy.Candidate(MachineId.of(id), service, load, Duration.ofMinutes(idleMinutes));
    }

    private static Optional<AutostopPolicy.Stop> decide(AutostopPolicy.Candidate... running) {
        return AutostopPolicy.decide(List.of(running), GRACE);
    }

    @Test
    void loneMachine_idleForTheGrace_isStoppedAsItWishes() {
        assertThat(decide(machine(1, STOPS, 0, 5))).contains(new AutostopPolicy.Stop(MachineId.of(1), Autostop.STOP));
        assertThat(decide(machine(1, STOPS.stopping(Autostop.SUSPEND), 0, 5)))
                .contains(new AutostopPolicy.Stop(MachineId.of(1), Autostop.SUSPEND));
    }

    @Test
    void machine_inUseOrUsedLatelyOrThatWishesNone_staysUp() {
        assertThat(decide()).isEmpty();
        assertThat(decide(machine(1, STOPS, 1, 9))).isEmpty();
        assertThat(decide(machine(1, STOPS, 0, 4))).isEmpty();
        assertThat(decide(machine(1, STOPS.stopping(Autostop.OFF), 0, 9))).isEmpty();
        assertThat(decide(machine(1, STOPS.keeping(1), 0, 9))).isEmpty();
    }

    @Test
    void fleet_keepsOneBesideTheBusyOnes() {
        AutostopPolicy.Candidate busy = machine(1, STOPS, 3, 0);
        assertThat(decide(busy, machine(2, STOPS, 0, 9)))
                .as("it is the room to spare")
                .isEmpty();
        assertThat(decide(busy, machine(2, STOPS, 0, 9), machine(3, STOPS, 0, 8)))
                .as("the longest idle of the excess")
                .contains(new AutostopPolicy.Stop(MachineId.of(2), Autostop.STOP));
        assertThat(decide(machine(1, STOPS, 1, 0), machine(2, STOPS, 0, 9)))
                .as("one below its soft limit is room enough")
                .contains(new AutostopPolicy.Stop(MachineId.of(2), Autostop.STOP));
    }

    @Test
    void fleet_isNotReducedBelowItsMinimum() {
        assertThat(decide(machine(1, STOPS.keeping(2), 0, 9), machine(2, STOPS.keeping(2), 0, 9)))
                .isEmpty();
        assertThat(decide(
                        machine(1, STOPS.keeping(2), 0, 9),
                        machine(2, STOPS.keeping(2), 0, 9),
                        machine(3, STOPS.keeping(2), 0, 9)))
                .isPresent();
    }

    @Test
    void randomFleets_areReducedToWhatTheRulesKeepAndNoFurther() {
        Campaign.of("autostop").play(1, AutostopPolicyTest::reduceRandomFleets);
    }

    private static void reduceRandomFleets(long seed) {
        Rng rng = Rng.seeded(seed);
        for (int round = 0; round < 5_000; round++) {
            int keep = rng.nextInt(3);
            List<AutostopPolicy.Candidate> running = new ArrayList<>();
            for (int i = 0; i < rng.nextInt(8); i++) {
                running.add(machine(i, STOPS.keeping(keep), rng.chance(0.5) ? 0 : rng.nextInt(4), rng.nextInt(10)));
            }
            int before = running.size();
            long busy = running.stream().filter(c -> c.load() >= 2).count();
            for (Optional<AutostopPolicy.Stop> stop = AutostopPolicy.decide(running, GRACE);
                    stop.isPresent();
                    stop = AutostopPolicy.decide(running, GRACE)) {
                MachineId id = stop.get().id();
                AutostopPolicy.Candidate stopped = running.stream()
                        .filter(c -> c.id().equals(id))
                        .findFirst()
                        .orElseThrow();
                assertThat(stopped.load()).isZero();
                assertThat(stopped.idleFor()).isGreaterThanOrEqualTo(GRACE);
                running.remove(stopped);
                String what = "round " + round + " of seed " + seed + ", left of " + before + ": " + running;
                assertThat(running.size()).as(what).isGreaterThanOrEqualTo(keep);
                if (before > 1 && busy > 0) {
                    assertThat(running.size()).as(what).isGreaterThanOrEqualTo((int) busy + 1);
                }
            }
        }
    }
}
