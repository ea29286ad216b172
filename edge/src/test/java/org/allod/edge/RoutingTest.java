package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

class RoutingTest {
    private static final Service LIMITED = Service.plain().limited(Service.Concurrency.REQUESTS, 2, 4);

    private static Fleet.Member member(int id, Backend.State state, Service service, int load) {
        Backend backend = Backend.of(MachineId.of(id), Rig.loopback(1), state, service);
        return new Fleet.Member(backend, load, false, false);
    }

    private static Choice choose(Fleet.Member... members) {
        return Routing.choose(new Fleet.Still(List.of(members)), List.of(), Rng.seeded(1));
    }

    @Test
    void choose_amongRunning_takesTheLeastLoaded() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 1),
                        member(2, Backend.State.RUNNING, LIMITED, 0),
                        member(3, Backend.State.STOPPED, LIMITED, 0)))
                .isEqualTo(new Choice.Send(1, Choice.NONE));
    }

    @Test
    void choose_allOverSoft_sendsAndWakesASuspendedOneRatherThanAStopped() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 3),
                        member(2, Backend.State.STOPPED, LIMITED, 0),
                        member(3, Backend.State.SUSPENDED, LIMITED, 0)))
                .isEqualTo(new Choice.Send(0, 2));
    }

    @Test
    void choose_allOverSoftAndOneComingUp_wakesNoFurther() {
        assertThat(choose(
                        member(1, Backend.State.RUNNING, LIMITED, 3),
                        member(2, Backend.State.STARTING, LIMITED, 0),
                        member(3, Backend.State.SUSPENDED, LIMITED, 0)))
                .isEqualTo(new Choice.Send(0, Choice.NONE));
    }

    @Test
    void choose_noneRunning_joinsTheOneComingUpUntilItsSoftLimitIsPromised() {
        Fleet.Member starting = member(1, Backend.State.STARTING, LIMITED, 1);
        Fleet.Member asleep = member(2, Backend.State.STOPPED, LIMITED, 0);
        assertThat(choose(starting, asleep)).isEqualTo(new Choice.Wake(0));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 2), asleep))
                .isEqualTo(new Choice.Wake(1));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 2))).isEqualTo(new Choice.Wake(0));
        assertThat(choose(member(1, Backend.State.STARTING, LIMITED, 4)))
                .isEqualTo(new Choice.Hold(Choice.Because.FULL));
    }

    @Test
    void choose_nothingToSendTo_saysWhatAPersonCanDoMostAbout() {
        Service byHand = LIMITED.startedByHand();
        assertThat(choose()).isEqualTo(new Choice.Refuse(Choice.Because.NO_MACHINES));
        assertThat(choose(member(1, Backend.State.RUNNING, LIMITED, 4)))
                .isEqualTo(new Choice.Hold(Choice.Because.FULL));
        assertThat(choose(member(1, Backend.State.STOPPED, byHand, 0)))
                .isEqualTo(new Choice.Refuse(Choice.Because.NOT_STARTED));
        assertThat(choose(member(1, Backend.State.STOPPING, LIMITED, 0)))
                .isEqualTo(new Choice.Hold(Choice.Because.IN_TRANSIT));
        assertThat(choose(member(1, Backend.State.STARTING, byHand, 0)))
                .isEqualTo(new Choice.Hold(Choice.Because.IN_TRANSIT));
        assertThat(choose(member(1, Backend.State.GONE, LIMITED, 0))).isEqualTo(new Choice.Refuse(Choice.Because.GONE));
        Backend running = Backend.of(MachineId.of(1), Rig.loopback(1), Backend.State.RUNNING, LIMITED);
        Backend sick = new Backend(running.id(), running.address(), running.state(), LIMITED, false, false);
        Backend cordoned = new Backend(running.id(), running.address(), running.state(), LIMITED, true, true);
        assertThat(choose(new Fleet.Member(sick, 0, false, false)))
                .isEqualTo(new Choice.Hold(Choice.Because.UNHEALTHY));
        assertThat(choose(new Fleet.Member(cordoned, 0, false, false)))
                .isEqualTo(new Choice.Refuse(Choice.Because.CORDONED));
        assertThat(choose(new Fleet.Member(running, 0, true, false)))
                .isEqualTo(new Choice.Hold(Choice.Because.IN_TRANSIT));
        assertThat(Routing.choose(
                        new Fleet.Still(List.of(new Fleet.Member(running, 0, false, false))),
                        List.of(running.id()),
                        Rng.seeded(1)))
                .isEqualTo(new Choice.Refuse(Choice.Because.ALL_TRIED));
    }

    @Test
    void choose_amongEquals_takesEachAboutAsOften() {
        Fleet fleet = new Fleet.Still(IntStream.range(0, 4)
                .mapToObj(i -> member(i, Backend.State.RUNNING, LIMITED, 1))
                .toList());
        Rng rng = Rng.seeded(5);
        int[] taken = new int[4];
        for (int i = 0; i < 4000; i++) {
            taken[((Choice.Send) Routing.choose(fleet, List.of(), rng)).index()]++;
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
        Campaign.of("routing").play(1, RoutingTest::chooseOnRandomFleets);
    }

    private static void chooseOnRandomFleets(long seed) {
        Rng rng = Rng.seeded(seed);
        for (int round = 0; round < 20_000; round++) {
            List<Fleet.Member> members = new ArrayList<>();
            int size = rng.nextInt(6);
            for (int i = 0; i < size; i++) {
                members.add(random(rng, i));
            }
            List<MachineId> tried = members.stream()
                    .map(m -> m.backend().id())
                    .filter(id -> rng.chance(0.1))
                    .toList();
            Choice choice = Routing.choose(new Fleet.Still(members), tried, rng);
            String what = "round " + round + " of seed " + seed + ": " + choice + " for " + members + " tried " + tried;
            check(members, tried, choice, what);
        }
    }

    private static Fleet.Member random(Rng rng, int id) {
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
        return new Fleet.Member(backend, rng.nextInt(6), rng.chance(0.1), rng.chance(0.1));
    }

    private static boolean usable(Fleet.Member m, List<MachineId> tried) {
        Backend b = m.backend();
        return b.state() == Backend.State.RUNNING
                && b.healthy()
                && !b.cordoned()
                && !m.draining()
                && !tried.contains(b.id())
                && (b.service().hardLimit() == 0 || m.load() < b.service().hardLimit());
    }

    private static boolean underSoft(Fleet.Member m) {
        return m.backend().service().softLimit() == 0
                || m.load() < m.backend().service().softLimit();
    }

    private static void check(List<Fleet.Member> members, List<MachineId> tried, Choice choice, String what) {
        List<Fleet.Member> usable =
                members.stream().filter(m -> usable(m, tried)).toList();
        switch (choice) {
            case Choice.Send send -> {
                Fleet.Member chosen = members.get(send.index());
                assertThat(usable).as(what).contains(chosen);
                boolean anySoft = usable.stream().anyMatch(RoutingTest::underSoft);
                assertThat(underSoft(chosen)).as(what).isEqualTo(anySoft);
                usable.stream()
                        .filter(m -> !anySoft || underSoft(m))
                        .forEach(m -> assertThat(chosen.load()).as(what).isLessThanOrEqualTo(m.load()));
                if (send.alsoWake() != Choice.NONE) {
                    assertThat(anySoft).as(what).isFalse();
                    sleeps(members.get(send.alsoWake()), what);
                }
            }
            case Choice.Wake wake -> {
                assertThat(usable).as(what).isEmpty();
                Fleet.Member chosen = members.get(wake.index());
                assertThat(tried).as(what).doesNotContain(chosen.backend().id());
                if (chosen.backend().state() != Backend.State.STARTING && !chosen.waking()) {
                    sleeps(chosen, what);
                }
                assertThat(chosen.backend().service().autostart()).as(what).isTrue();
                assertThat(chosen.backend().cordoned()).as(what).isFalse();
            }
            case Choice.Hold hold -> {
                assertThat(usable).as(what).isEmpty();
                assertThat(members).as(what).isNotEmpty();
            }
            case Choice.Refuse refuse -> {
                assertThat(usable).as(what).isEmpty();
                assertThat(members.stream()
                                .filter(m -> m.backend().wakes() && !m.waking())
                                .filter(m -> !tried.contains(m.backend().id())))
                        .as(what)
                        .isEmpty();
            }
        }
    }

    private static void sleeps(Fleet.Member m, String what) {
        assertThat(m.backend().state()).as(what).isIn(Backend.State.STOPPED, Backend.State.SUSPENDED);
        assertThat(m.backend().service().autostart()).as(what).isTrue();
        assertThat(m.backend().cordoned()).as(what).isFalse();
        assertThat(m.waking()).as(what).isFalse();
    }
}
