package org.allod.base;

/**
 * Makes identifiers from a clock and a stream of randomness. The ULIDs of one {@code IdGenerator} are strictly
 * increasing even if the clock stands still or steps back; {@link #after} preserves that across a restart.
 */
public final class IdGenerator {
    private final Clock clock;
    private final Rng rng;
    private Ulid last = new Ulid(0, 0);

    public IdGenerator(Clock clock, Rng rng) {
        this.clock = clock;
        this.rng = rng;
    }

    public synchronized Ulid ulid() {
        long millis = clock.wallMillis();
        if (millis > last.millis()) {
            last = new Ulid((millis << 16) | (rng.nextLong() & 0xffff), rng.nextLong());
        } else {
            long low = last.low() + 1;
            last = new Ulid(low == 0 ? last.high() + 1 : last.high(), low);
        }
        return last;
    }

    /**
     * Makes all further ULIDs greater than one that an earlier process recorded, even if the clock has gone back since.
     */
    public synchronized void after(Ulid recorded) {
        if (recorded.compareTo(last) > 0) {
            last = recorded;
        }
    }

    /** A machine's identifier: 48 random bits, so that it fits the machine's address. */
    public synchronized MachineId machine() {
        return MachineId.of(rng.nextLong() & 0xffff_ffff_ffffL);
    }
}
