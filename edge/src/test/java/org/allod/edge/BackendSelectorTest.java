package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

class BackendSelectorTest {
    private static final Service LIMITED = Service.plain().limited(Service.Concurrency.REQUESTS, 2, 4);

    private static BackendSet.Entry member(int id, Backend.State state, Service service, int load) {
        Backend backend = Backend.of(MachineId.of(id), Rig.loopback(1), state, service);
        return new BackendSet.Entry(backend, load, false, false);
    }

    private static RoutingDecision choose(BackendSet.Entry... members) {
        return BackendSelector.choose(new BackendSet.Snapshot(List.of(members)), List.of(), Rng.seeded(1));
    }

    @Test
    void choose_amongRunning_takesTheLeastLoaded() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 1),
                        member(2, Backend.State.RUNNING, LIMITED, 0),
                        member(3, Backend.State.STOPPED, LIMITED, 0)))
                .isEqualTo(new RoutingDecision.Send(1, RoutingDecision.NONE));
    }

    @Test
    void choose_allOverSoft_sendsAndWakesASuspendedOneRatherThanAStopped() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 3),
                        member(2, Backend.State.STOPPED, LIMITED, 0),
                        member(3, Backend.State.SUSPENDED, LIMITED, 0)))
                .isEqualTo(new RoutingDecision.Send(0, 2));
    }

    @Test
    void choose_allOverSoftAndOneComingUp_wakesNoFurther() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 3),
                        member(2, Backend.State.STARTING, LIMITED, 0),
                        member(3, Backend.State.SUSPENDED, LIMITED, 0)))
                .isEqualTo(new RoutingDecision.Send(0, RoutingDecision.NONE));
    }

    @Test
    void choose_noneRunning_joinsTheOneComingUpUntilItsSoftLimitIsPromised() {
        BackendSet.Entry starting = member(1, Backend.State.STARTING, LIMITED, 1);
        BackendSet.Entry asleep = member(2, Backend.State.STOPPED, LIMITED, 0);
        assertThat(choose(starting, asleep)).isEqualTo(new RoutingDecision.Wake(0));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 2), asleep))
                .isEqualTo(new RoutingDecision.Wake(1));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 2))).isEqualTo(new RoutingDecision.Wake(0));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 4)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.FULL));
    }

    @Test
    void choose_nothingToSendTo_saysWhatAPersonCanDoMostAbout() {
        Service byHand = LIMITED.startedByHand();
        assertThat(choose()).isEqualTo(new RoutingDecision.Refuse(RoutingDecision.Because.NO_MACHINES));
        assertThat(choose(member(1, Backend.State.RUNNING, LIMITED, 4)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.FULL));
        assertThat(choose(member(1, Backend.State.STOPPED, byHand, 0)))
                .isEqualTo(new RoutingDecision.Refuse(RoutingDecision.Because.NOT_STARTED));
        assertThat(choose(member(1, Backend.State.STOPPING, LIMITED, 0)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.IN_TRANSIT));
        assertThat(choose(member(1, Backend.State.STARTING, byHand, 0)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.IN_TRANSIT));
        assertThat(choose(member(1, Backend.State.GONE, LIMITED, 0)))
                .isEqualTo(new RoutingDecision.Refuse(RoutingDecision.Because.GONE));
        Backend running = Backend.of(MachineId.of(1), Rig.loopback(1), Backend.State.RUNNING, LIMITED);
        Backend sick = new Backend(running.id(), running.address(), running.state(), LIMITED, false, false);
        Backend cordoned = new Backend(running.id(), running.address(), running.state(), LIMITED, true, true);
        assertThat(choose(new BackendSet.Entry(sick, 0, false, false)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.UNHEALTHY));
        assertThat(choose(new BackendSet.Entry(cordoned, 0, false, false)))
                .isEqualTo(new RoutingDecision.Refuse(RoutingDecision.Because.CORDONED));
        assertThat(choose(new BackendSet.Entry(running, 0, true, false)))
                .isEqualTo(new RoutingDecision.Hold(RoutingDecision.Because.IN_TRANSIT));
        assertThat(BackendSelector.choose(
                        new BackendSet.Snapshot(List.of(new BackendSet.Entry(running, 0, false, false))),
                        List.of(running.id()),
                        Rng.seeded(1)))
                .isEqualTo(new RoutingDecision.Refuse(RoutingDecision.Because.ALL_TRIED));
    }

    @Test
    void choose_amongEquals_takesEachAboutAsOften() {
        BackendSet backends = new BackendSet.Snapshot(IntStream.range(0, 4)
                .mapToObj(i -> member(i, Backend.State.RUNNING, LIMITED, 1))
                .toList());
        Rng rng = Rng.seeded(5);
        int[] taken = new int[4];
        for (int i = 0; i < 4000; i++) {
            taken[((RoutingDecision.Send) BackendSelector.choose(backends, List.of(), rng)).index()]++;
        }
        assertThat(taken).satisfies(counts -> {
            for (int count : counts) {
                assertThat(count).isBetween(850, 1150);
            }
        });
    }

    /** The rules once more, told the slow way, against random fleets. */
    @Test
    void choose_onRandomFleets_keepsEveryRule() {
        Campaign.of("routing").play(1, BackendSelectorTest::chooseOnRandomFleets);
    }

    private static void chooseOnRandomFleets(long seed) {
        Rng rng = Rng.seeded(seed);
        for (int round = 0; round < 20_000; round++) {
            List<BackendSet.Entry> members = new ArrayList<>();
            int size = rng.nextInt(6);
            for (int i = 0; i < size; i++) {
                members.add(random(rng, i));
            }
            List<MachineId> tried = members.stream()
                    .map(m -> m.backend().id())
                    .filter(id -> rng.chance(0.1))
                    .toList();
            RoutingDecision decision = BackendSelector.choose(new BackendSet.Snapshot(members), tried, rng);
            String what =
                    "round " + round + " of seed " + seed + ": " + decision + " for " + members + " tried " + tried;
            check(members, tried, decision, what);
        }
    }

    private static BackendSet.Entry random(Rng rng, int id) {
        Backend.State[] states = Backend.State.values();
        int soft = rng.nextInt(4);
        int hard = rng.chance(0.3) ? 0 : soft + rng.nextInt(3);
        Service service = new Service(Service.Concurrency.REQUESTS, soft, hard, rng.chance(0.7), Autostop.OFF, 0);
        Backend backend = new Backend(
                MachineId.of(id),
                Rig.loopback(1),
                states[rng.nextInt(states.length)],
                service,
                rng.chance(0.8),
                rng.chance(0.1));
        return new BackendSet.Entry(backend, rng.nextInt(6), rng.chance(0.1), rng.chance(0.1));
    }

    private static boolean usable(BackendSet.Entry m, List<MachineId> tried) {
        Backend b = m.backend();
        return b.state() == Backend.State.RUNNING
                && b.healthy()
                && !b.cordoned()
                && !m.draining()
                && !tried.contains(b.id())
                && (b.service().hardLimit() == 0 || m.load() < b.service().hardLimit());
    }

    private static boolean underSoft(BackendSet.Entry m) {
        return m.backend().service().softLimit() == 0
                || m.load() < m.backend().service().softLimit();
    }

    private static void check(
            List<BackendSet.Entry> members, List<MachineId> tried, RoutingDecision decision, String what) {
        List<BackendSet.Entry> usable =
                members.stream().filter(m -> usable(m, tried)).toList();
        switch (decision) {
            case RoutingDecision.Send send -> {
                BackendSet.Entry chosen = members.get(send.index());
                assertThat(usable).as(what).contains(chosen);
                boolean anySoft = usable.stream().anyMatch(BackendSelectorTest::underSoft);
                assertThat(underSoft(chosen)).as(what).isEqualTo(anySoft);
                usable.stream()
                        .filter(m -> !anySoft || underSoft(m))
                        .forEach(m -> assertThat(chosen.load()).as(what).isLessThanOrEqualTo(m.load()));
                if (send.alsoWake() != RoutingDecision.NONE) {
                    assertThat(anySoft).as(what).isFalse();
                    sleeps(members.get(send.alsoWake()), what);
                }
            }
            case RoutingDecision.Wake wake -> {
                assertThat(usable).as(what).isEmpty();
                BackendSet.Entry chosen = members.get(wake.index());
                assertThat(tried).as(what).doesNotContain(chosen.backend().id());
                if (chosen.backend().state() != Backend.State.STARTING && !chosen.waking()) {
                    sleeps(chosen, what);
                }
                assertThat(chosen.backend().service().autostart()).as(what).isTrue();
                assertThat(chosen.backend().cordoned()).as(what).isFalse();
            }
            case RoutingDecision.Hold hold -> {
                assertThat(usable).as(what).isEmpty();
                assertThat(members).as(what).isNotEmpty();
            }
            case RoutingDecision.Refuse refuse -> {
                assertThat(usable).as(what).isEmpty();
                assertThat(members.stream()
                                .filter(m -> m.backend().canWake() && !m.waking())
                                .filter(m -> !tried.contains(m.backend().id())))
                        .as(what)
                        .isEmpty();
            }
        }
    }

    private static void sleeps(BackendSet.Entry m, String what) {
        assertThat(m.backend().state()).as(what).isIn(Backend.State.STOPPED, Backend.State.SUSPENDED);
        assertThat(m.backend().service().autostart()).as(what).isTrue();
        assertThat(m.backend().cordoned()).as(what).isFalse();
        assertThat(m.waking()).as(what).isFalse();
    }
}
