package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class UlidTest {
    private static final Clock STOPPED = new Clock() {
        @Override
        public Instant wall() {
            return Instant.parse("2026-11-22T05:00:00Z");
        }

        @Override
        public long monoNanos() {
            return 0;
        }
    };

    @Test
    void ids_clockStandsStill_increaseStrictly() {
        IdGenerator ids = new IdGenerator(STOPPED, Rng.seeded(7));
        Ulid last = ids.ulid();
        for (int i = 0; i < 10_000; i++) {
            Ulid next = ids.ulid();
            assertThat(next).isGreaterThan(last);
            assertThat(next.toString()).isGreaterThan(last.toString());
            last = next;
        }
    }

    @Test
    void text_roundTrips() {
        Rng rng = Rng.seeded(11);
        for (int i = 0; i < 1_000; i++) {
            Ulid ulid = new Ulid(rng.nextLong(), rng.nextLong());
            assertThat(Ulid.parse(ulid.toString())).contains(ulid);
        }
    }

    @Test
    void parse_notAUlid_givesNothing() {
        assertThat(Ulid.parse("")).isEmpty();
        assertThat(Ulid.parse("0123456789012345678901234U")).isEmpty();
        assertThat(Ulid.parse("80000000000000000000000000")).isEmpty();
    }

    @Test
    void machineId_sharesItsBitsWithItsText() {
        MachineId id = MachineId.of(0x1234_5678_9abcL);
        assertThat(id.text()).isEqualTo("00123456789abc");
        assertThat(id.bits()).isEqualTo(0x1234_5678_9abcL);
        assertThat(MachineId.parse("123456789abc")).isEmpty();
        assertThat(MachineId.parse("FF123456789abc")).isEmpty();
    }
}
