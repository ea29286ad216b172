package org.allod.base;

import org.jspecify.annotations.Nullable;

/**
 * A defect of this program: a state that cannot occur. It ends the daemon; the service manager restarts it and its runs
 * resume. It is an {@link AssertionError}, so that no handler of ordinary failures swallows it.
 */
public final class Bug extends AssertionError {
    public Bug(String message) {
        this(message, null);
    }

    public Bug(String message, @Nullable Throwable cause) {
        super(message, cause);
        FatalErrors.check(cause);
    }
}
