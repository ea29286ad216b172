package org.allod.base;

import org.jspecify.annotations.Nullable;

/**
 * Our fault: a state that cannot be. It ends the daemon; the watchdog starts it again and its runs resume. An
 * {@link AssertionError}, so that no handler of ordinary failures swallows it.
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
