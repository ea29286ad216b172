package org.allod.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;

/** Whatever bytes come, an agent goes on; it takes nothing of another fleet or format. */
class WireTest {
    private static final long FLEET = 7;

    private final List<byte[]> sent = new ArrayList<>();
    private final MemoryReplica replica = new MemoryReplica(Trace.sites(1).getFirst(), Trace.SCHEMA);
    private final Agent agent = new Agent(
            FLEET,
            new HostInfo(replica.site(), "h1", "ams"),
            1,
            AgentOptions.defaults(),
            replica,
            new Outbox() {
                @Override
                public void send(String address, byte[] message) {
                    sent.add(message);
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
            },
            Rng.seeded(1),
            0);

    private static byte[] join(long fleet, int format) {
        SiteId other = Trace.sites(2).getLast();
        Encoder message = new Encoder().octet(format).fixed(fleet).octet(Envelope.JOIN);
        new MemberUpdate(new HostInfo(other, "h2", "fra"), 1, MemberStatus.ALIVE, other).encode(message);
        return message.bytes();
    }

    @Test
    void message_ofAnotherFleetOrFormat_changesNothing() {
        agent.receive(join(FLEET + 1, Envelope.FORMAT), 1);
        agent.receive(join(FLEET, Envelope.FORMAT + 1), 1);
        assertThat(agent.membership().members()).isEmpty();
        assertThat(agent.malformed()).isEqualTo(2);
        assertThat(sent).isEmpty();
        agent.receive(join(FLEET, Envelope.FORMAT), 1);
        assertThat(agent.membership().members()).hasSize(1);
    }

    @Test
    void noise_isDroppedAndCounted() {
        Rng rng = Rng.seeded(3);
        for (int i = 0; i < 200_000; i++) {
            byte[] noise = new byte[rng.nextInt(80)];
            rng.nextBytes(noise);
            if (noise.length > 10 && rng.chance(0.9)) {
                byte[] head = Envelope.open(FLEET, 1 + rng.nextInt(40)).bytes();
                System.arraycopy(head, 0, noise, 0, head.length);
            }
            agent.receive(noise, i);
        }
        assertThat(agent.malformed()).isPositive();
    }

    @Test
    void changeSets_readBack_asTheyWere_andCutShort_neverOtherwise() {
        Trace trace = new Trace(Rng.seeded(5));
        for (int i = 0; i < 200; i++) {
            replica.prepare(List.of(trace.writes().getFirst())).ifPresent(set -> {
                byte[] bytes = ChangeCodec.encode(set);
                assertThat(ChangeCodec.decodeSet(bytes)).isEqualTo(set);
                for (int length = 0; length < bytes.length; length++) {
                    byte[] cut = java.util.Arrays.copyOf(bytes, length);
                    org.assertj.core.api.Assertions.assertThatThrownBy(() -> ChangeCodec.decodeSet(cut))
                            .isInstanceOf(MalformedMessage.class);
                }
            });
        }
    }

    @Test
    void vectors_readBack_asTheyWere_andTellGapsFromHeads() {
        Rng rng = Rng.seeded(6);
        for (int i = 0; i < 300; i++) {
            VersionVector vector = new VersionVector();
            java.util.TreeSet<Long> numbers = new java.util.TreeSet<>();
            SiteId site = Trace.sites(1).getFirst();
            for (int n = rng.nextInt(30); n >= 0; n--) {
                long number = 1 + rng.nextInt(25);
                numbers.add(number);
                vector.add(new Dot(site, number));
            }
            for (long number = 1; number <= 30; number++) {
                assertThat(vector.contains(new Dot(site, number))).isEqualTo(numbers.contains(number));
            }
            Encoder out = new Encoder();
            ChangeCodec.vector(out, vector);
            VersionVector read = ChangeCodec.vector(new Decoder(out.bytes()));
            assertThat(read).isEqualTo(vector);
            assertThat(SyncDigest.of(read)).isEqualTo(SyncDigest.of(vector));
            assertThat(vector.containsAll(read) && read.containsAll(vector)).isTrue();
        }
    }
}
