package org.allod.machine;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.allod.base.RejectedException;

/**
 * Excludes creating something in an app from deleting the app. Without it a machine, a token or a secret could be
 * accepted for an app that is being deleted and outlive it: a machine that nobody can reach, a secret that the next app
 * of that name would get.
 *
 * <p>Creators share the lock, a deletion holds it alone; both hold it for a short time. A deletion that must destroy
 * machines first marks the app as closed, so that nothing new is created meanwhile. Safe for any thread.
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

    /** Runs work that needs the app to exist; refused while the app is being deleted. */
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

    /** Runs work while nothing is being created in the app. */
    <T, E extends Exception> T withExclusive(String app, Leases.Gated<T, E> work) throws E {
        ReentrantReadWriteLock stripe = stripe(app);
        return LockOrder.holding(LockOrder.Rank.APP, stripe, stripe.writeLock(), work);
    }

    /** Closes the app to anything new; false if it is closed already. */
    boolean close(String app) {
        return close.add(app);
    }

    void open(String app) {
        close.remove(app);
    }
}
