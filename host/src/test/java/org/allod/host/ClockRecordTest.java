package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.allod.base.BelievedClock;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.Ulid;
import org.allod.base.VirtualTime;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClockRecordTest {
    @TempDir
    Path folder;

    @Test
    void belief_overRestarts_isKept_untilTheCalendarIsElsewhere() {
        VirtualTime time = new VirtualTime(Instant.parse("2026-06-01T00:00:00Z"));
        try (Database database =
                Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(FleetId.SCHEMA))) {
            BelievedClock first = new BelievedClock(time);
            IdGenerator ids = new IdGenerator(first, Rng.seeded(1));
            ClockRecord record = new ClockRecord(database, first, time);
            record.restore();
            record.start();
            time.advance(Duration.ofHours(25));
            assertThat(first.believedWall()).isPresent();
            Ulid last = ids.ulid();
            // Killed: what was written in the last minutes is all there is.
            BelievedClock second = new BelievedClock(time);
            var _ = new ClockRecord(database, second, time).restore();
            assertThat(second.believedWall()).isPresent();

            time.advance(Duration.ofMinutes(6));
            time.step(Duration.ofDays(-30));
            BelievedClock third = new BelievedClock(time);
            IdGenerator more = new IdGenerator(third, Rng.seeded(2));
            more.after(new ClockRecord(database, third, time).restore());
            assertThat(third.believedWall()).isEmpty();
            assertThat(more.ulid()).isGreaterThan(last);
        }
    }
}
