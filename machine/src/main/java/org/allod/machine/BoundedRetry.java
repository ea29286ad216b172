package org.allod.machine;

import java.lang.System.Logger.Level;
import org.allod.base.RejectedException;
import org.allod.fsm.Fault;
import org.allod.fsm.StepContext;
import org.allod.fsm.TerminalException;
import org.allod.fsm.Unrecoverable;

/** Bounds the attempts of a step: a fault of the caller ends the run at once, a fault of the host after a few tries. */
final class BoundedRetry {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Attempts of one step before the run gives up. */
    private static final int MOST = 3;

    private BoundedRetry() {}

    /** A part of a step. */
    interface Piece {
        void run() throws Exception;
    }

    static void bounded(StepContext<?, ?> c, Piece piece) throws Exception {
        try {
            piece.run();
        } catch (RejectedException e) {
            throw new Unrecoverable(
                    Fault.USER,
                    e.getMessage() + e.hint().map(h -> " (" + h + ")").orElse(""));
        } catch (InterruptedException | TerminalException e) {
            throw e;
        } catch (Exception e) {
            if (c.attempt() >= MOST && !c.cancelled()) {
                LOG.log(Level.WARNING, c.subject() + ": giving up on step " + c.step(), e);
                throw new Unrecoverable(Fault.SYSTEM, String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }
}
