package org.allod.machine;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How often a machine is started automatically. The times count from the machine's creation, so that a thousand hourly
 * machines do not all start on the hour.
 */
public enum Schedule {
    HOURLY(Duration.ofHours(1)),
    DAILY(Duration.ofDays(1)),
    WEEKLY(Duration.ofDays(7)),
    /** On the same day of each month (UTC), or on the last day of a shorter month. */
    MONTHLY(Duration.ofDays(31));

    private final Duration longest;

    Schedule(Duration longest) {
        this.longest = longest;
    }

    static Optional<Schedule> read(StrictJsonReader config) {
        return config.oneOf("schedule", List.of("", "hourly", "daily", "weekly", "monthly"))
                .filter(word -> !word.isEmpty())
                .map(word -> valueOf(word.toUpperCase(Locale.ROOT)));
    }

    /**
     * The first due time after {@code now}.
     *
     * @param phase the time to count from
     */
    Instant next(Instant phase, Instant now) {
        if (now.isBefore(phase)) {
            return after(phase, 1);
        }
        // Begin with an estimate that is never too late, then go step by step, because months differ in length.
        long count = Math.max(0, Duration.between(phase, now).dividedBy(longest));
        Instant due = after(phase, count);
        while (!due.isAfter(now)) {
            due = after(phase, ++count);
        }
        return due;
    }

    private Instant after(Instant phase, long count) {
        return this == MONTHLY
                ? ZonedDateTime.ofInstant(phase, ZoneOffset.UTC)
                        .plusMonths(count)
                        .toInstant()
                : phase.plus(longest.multipliedBy(count));
    }
}
