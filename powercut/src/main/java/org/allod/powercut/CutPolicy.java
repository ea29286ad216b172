package org.allod.powercut;

import org.allod.base.Rng;

/**
 * How the disk treats unflushed writes at one cut. Keeping all of them, none, all up to a moment, or a random half are
 * equally likely, since each has found defects that the others hide.
 */
record CutPolicy(boolean inOrder, double place, double change, double sector) {
    private static final double[] OFTEN = {0, 0.1, 0.5, 0.9, 1};

    static CutPolicy draw(Rng rng) {
        return new CutPolicy(
                rng.chance(0.3), rng.nextDouble(), OFTEN[rng.nextInt(OFTEN.length)], OFTEN[rng.nextInt(OFTEN.length)]);
    }

    /** Whether anything of the change reached the disk. */
    boolean keepsChange(int number, int of, Rng rng) {
        return inOrder ? number <= last(of) : rng.chance(change);
    }

    /** Whether this sector of it did. */
    boolean keepsSector(int number, int of, Rng rng) {
        return inOrder ? number < last(of) || rng.chance(0.5) : rng.chance(sector);
    }

    /** Up to which of {@code of} changes the size of a file, or a name, is on the disk: 0 for none of them. */
    int version(int of, Rng rng) {
        if (inOrder) {
            return Math.min(of, Math.max(0, last(of)));
        }
        return rng.chance(change) ? of : rng.nextInt(of + 1);
    }

    private int last(int of) {
        return (int) (place * (of + 1)) - 1;
    }
}
