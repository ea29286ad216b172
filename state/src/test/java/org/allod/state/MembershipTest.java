package org.allod.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A few agents whose messages arrive at once, on a clock that is moved by hand. */
class MembershipTest {
    private static final long MILLI = 1_000_000;

    private record Sent(String to, byte[] message) {}

    private final TreeMap<String, Agent> agents = new TreeMap<>();
    private final TreeMap<String, MemoryReplica> replicas = new TreeMap<>();
    private final List<Sent> wire = new ArrayList<>();
    private final List<String> silent = new ArrayList<>();
    private long now;

    @BeforeEach
    void start() {
        for (int i = 1; i <= 5; i++) {
            add("h" + i, i);
        }
        agents.values().forEach(a -> a.join(List.of("h1"), now));
        pass(3000);
        assertThat(statuses("h5")).containsOnly(MemberStatus.ALIVE).hasSize(4);
    }

    private void add(String address, int number) {
        MemoryReplica replica = new MemoryReplica(Trace.sites(number).getLast(), Trace.SCHEMA);
        replicas.put(address, replica);
        Outbox out = new Outbox() {
            @Override
            public void send(String to, byte[] message) {
                if (!silent.contains(address)) {
                    wire.add(new Sent(to, message));
                }
            }

            @Override
            public void deliver(ChangeSet set) {
                replica.apply(List.of(set));
            }

            @Override
            public void merge(List<RowChange> rows) {
                replica.merge(rows);
            }

            @Override
            public void claim(VersionVector vector) {
                replica.claim(vector);
            }
        };
        HostInfo self = new HostInfo(replica.site(), address, "ams");
        agents.put(address, new Agent(7, self, 1, AgentOptions.defaults(), replica, out, Rng.seeded(number), now));
    }

    private void pass(long millis) {
        for (long end = now + millis * MILLI; now < end; now += MILLI) {
            agents.forEach((address, agent) -> {
                if (!silent.contains(address) && agent.deadline() <= now) {
                    agent.tick(now);
                }
            });
            while (!wire.isEmpty()) {
                Sent sent = wire.removeFirst();
                Agent to = agents.get(sent.to());
                if (to != null && !silent.contains(sent.to())) {
                    to.receive(sent.message(), now);
                }
            }
        }
    }

    private List<MemberStatus> statuses(String of) {
        return agents.get(of).membership().members().stream()
                .map(Member::status)
                .toList();
    }

    private Member member(String seenBy, String of) {
        return agents.get(seenBy).membership().member(replicas.get(of).site());
    }

    @Test
    void silentHost_isSuspectedThenDead_andAliveAgainWhenItSpeaks() {
        silent.add("h3");
        pass(2500);
        assertThat(member("h1", "h3").status()).isIn(MemberStatus.SUSPECT, MemberStatus.DEAD);
        pass(8000);
        for (String other : List.of("h1", "h2", "h4", "h5")) {
            assertThat(member(other, "h3").status()).isEqualTo(MemberStatus.DEAD);
        }
        silent.clear();
        pass(20_000);
        for (String other : List.of("h1", "h2", "h4", "h5")) {
            assertThat(member(other, "h3").status()).isEqualTo(MemberStatus.ALIVE);
        }
        assertThat(agents.get("h3").membership().incarnation()).isGreaterThan(1);
    }

    /** It was not running, so nobody can have answered it: what it waited for says nothing of the others. */
    @Test
    void hostThatDidNotRun_accusesNobody() {
        silent.add("h2");
        pass(1500);
        silent.clear();
        agents.get("h2").tick(now);
        assertThat(statuses("h2")).doesNotContain(MemberStatus.SUSPECT, MemberStatus.DEAD);
    }

    @Test
    void hostThatLeaves_isNeitherSuspectedNorCalledBack() {
        agents.get("h4").membership().leave();
        pass(3000);
        for (String other : List.of("h1", "h2", "h3", "h5")) {
            assertThat(member(other, "h4").status()).isEqualTo(MemberStatus.LEFT);
        }
        pass(20_000);
        assertThat(member("h1", "h4").status()).isEqualTo(MemberStatus.LEFT);
    }

    @Test
    void olderNews_neverWins_andOnlyTheMemberRaisesItsIncarnation() {
        Member h2 = member("h1", "h2");
        agents.get("h1").receive(gossip(new MemberUpdate(h2.host(), 0, MemberStatus.DEAD, h2.id())), now);
        assertThat(h2.status()).isEqualTo(MemberStatus.ALIVE);
        agents.get("h1").receive(gossip(new MemberUpdate(h2.host(), 1, MemberStatus.SUSPECT, h2.id())), now);
        assertThat(h2.status()).isEqualTo(MemberStatus.SUSPECT);
        pass(3000);
        assertThat(h2.status()).isEqualTo(MemberStatus.ALIVE);
        assertThat(h2.incarnation())
                .isEqualTo(2)
                .isEqualTo(agents.get("h2").membership().incarnation());
    }

    private static byte[] gossip(MemberUpdate update) {
        Encoder message = Envelope.open(7, Envelope.GOSSIP);
        update.encode(message);
        return message.bytes();
    }

    @Test
    void suspicion_shrinksWithConfirmations_notBelowItsLeast() {
        assertThat(Suspicion.timeout(0, 3, 10, 60)).isEqualTo(60);
        assertThat(Suspicion.timeout(1, 3, 10, 60)).isEqualTo(35);
        assertThat(Suspicion.timeout(3, 3, 10, 60)).isEqualTo(10);
        assertThat(Suspicion.timeout(9, 3, 10, 60)).isEqualTo(10);
        Suspicion suspicion = new Suspicion(0, 10, 60, 3, Trace.sites(1).getFirst());
        assertThat(suspicion.confirm(Trace.sites(1).getFirst()))
                .as("the same accuser")
                .isFalse();
        assertThat(suspicion.confirm(Trace.sites(2).getLast())).isTrue();
        assertThat(suspicion.deadline()).isEqualTo(35);
    }

    /** What is written over while a session runs must not be claimed without what took its place. */
    @Test
    void sync_ofARowThatIsWrittenOverMeanwhile_claimsNothingItDoesNotHold() {
        MemoryReplica origin = new MemoryReplica(Trace.sites(8).getLast(), Trace.SCHEMA);
        MemoryReplica other = new MemoryReplica(Trace.sites(9).getLast(), Trace.SCHEMA);
        RowKey key = RowKey.of(1L);
        ChangeSet first = origin.prepare(List.of(put(key, "one"))).orElseThrow();
        other.apply(List.of(first));
        ChangeSet second = other.prepare(List.of(put(key, "two"))).orElseThrow();
        replicas.get("h1").apply(List.of(first));
        // Over an hour of milliseconds would do as well: h1 is asked, and takes the second in before it answers in
        // full.
        for (int millis = 0; millis < 4000; millis++) {
            pass(1);
            if (millis == 600) {
                replicas.get("h1").apply(List.of(second));
            }
            for (MemoryReplica replica : replicas.values()) {
                if (replica.seen().contains(first.dot())) {
                    assertThat(replica.table("svc").get(key))
                            .as("claimed, so held")
                            .isNotNull();
                }
            }
        }
        pass(5000);
        for (MemoryReplica replica : replicas.values()) {
            assertThat(replica.table("svc").get(key)).containsEntry("name", "two");
            assertThat(replica.seen()).isEqualTo(replicas.get("h1").seen());
        }
    }

    private static LocalWrite put(RowKey key, String name) {
        TreeMap<String, Object> values = new TreeMap<>();
        values.put("name", name);
        return new LocalWrite.Put("svc", key, values);
    }
}
