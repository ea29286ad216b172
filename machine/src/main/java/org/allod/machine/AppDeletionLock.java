package org.allod.machine;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.allod.base.RejectedException;

/**
 * Keeps whatever is being made in an app and the app's deletion apart. Without it a machine, a token or a secret could
 * be accepted for an app that is being deleted, and would be there without it: a machine that nobody can reach, a secret
 * for the next app of that name.
 *
 * <p>Making is shared, deleting is alone; both are short. A deletion that has to destroy machines first shuts the gate
 * meanwhile, so that nothing new comes. Safe for any thread.
 */
final class AppDeletionLock {
    private static final int STRIPES = 64;

    private final ReentrantReadWriteLock[] locks = new ReentrantReadWriteLock[STRIPES];
    private final Set<String> close = ConcurrentHashMap.newKeySet();

    AppDeletionLock() {
        for (int i = 0; i < STRIPES; i++) {
            locks[i] = new ReentrantReadWriteLock();
        }
    }

    private ReentrantReadWriteLock stripe(String app) {
        return locks[Math.floorMod(app.hashCode(), STRIPES)];
    }

    /** Does what needs the app to stay; refused while the app is being deleted. */
    <T, E extends Exception> T within(String app, Leases.Gated<T, E> work) throws E {
        ReentrantReadWriteLock stripe = stripe(app);
        return LockOrder.holding(LockOrder.Rank.APP, stripe, stripe.readLock(), () -> {
            if (close.contains(app)) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "app " + app + " is being deleted",
                        "create it again once it is gone, or choose another");
            }
            return work.run();
        });
    }

    /** Does something while nothing is being made in the app. */
    <T, E extends Exception> T withExclusive(String app, Leases.Gated<T, E> work) throws E {
        ReentrantReadWriteLock stripe = stripe(app);
        return LockOrder.holding(LockOrder.Rank.APP, stripe, stripe.writeLock(), work);
    }

    /** Lets nothing more in; false where somebody else has done so. */
    boolean close(String app) {
        return close.add(app);
    }

    void open(String app) {
        close.remove(app);
    }
}
