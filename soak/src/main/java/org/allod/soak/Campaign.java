package org.allod.soak;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.SystemClock;

/**
 * From which seed a random test draws and how long it goes on. In the suite: the pinned seed, and as many rounds as the
 * test says. Under {@code ./allod soak NAME}, which sets {@code allod.soak.minutes}: until the time is over.
 * {@code -Dallod.seed=N} sets the seed in either.
 *
 * <p>Not safe for use from several threads.
 */
public final class Campaign {
    private static final long PINNED = 1;

    private final String name;
    private final long seed;
    private final Optional<Duration> time;
    private final Clock clock;
    private final long begin;

    Campaign(String name, long seed, Optional<Duration> time, Clock clock) {
        this.name = name;
        this.seed = seed;
        this.time = time;
        this.clock = clock;
        this.begin = clock.monoNanos();
    }

    /**
     * Says on standard output which seed it is.
     *
     * @param name as {@code ./allod soak} knows the test
     */
    public static Campaign of(String name) {
        String minutes = System.getProperty("allod.soak.minutes", "");
        Campaign campaign = new Campaign(
                name,
                Long.getLong("allod.seed", PINNED),
                minutes.isEmpty()
                        ? Optional.empty()
                        : Optional.of(Duration.ofMillis((long) (Double.parseDouble(minutes) * 60_000))),
                new SystemClock());
        System.out.println("campaign " + name + ": seed " + campaign.seed);
        return campaign;
    }

    public long seed() {
        return seed;
    }

    /** How long it is to go on under {@code ./allod soak}; {@code inSuite} in the suite. */
    public Duration length(Duration inSuite) {
        return time.orElse(inSuite);
    }

    /** Whether there is to be one more after {@code done} of them. */
    public boolean goesOn(int done, int inSuite) {
        return time.map(t -> clock.monoNanos() - begin < t.toNanos()).orElse(done < inSuite);
    }

    /** One round, which depends on its seed alone. */
    @FunctionalInterface
    public interface Round {
        void play(long seed) throws Exception;
    }

    /**
     * Plays rounds from the seed and those after it, at least one.
     *
     * @return how many there were
     * @throws AssertionError where one throws, with the command that plays the same round first
     */
    public int play(int inSuite, Round round) {
        int done = 0;
        do {
            long drawn = seed + done;
            try {
                round.play(drawn);
            } catch (Exception | Error e) {
                throw new AssertionError(
                        "seed " + drawn + ": " + e + "\nagain: ./allod soak " + name + " --seed " + drawn, e);
            }
            done++;
        } while (goesOn(done, inSuite));
        return done;
    }
}
