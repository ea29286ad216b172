package org.allod.fsm;

import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The trace that a run belongs to. It is recorded with the run, so that steps after a restart join the same trace.
 *
 * @param traceparent the value of the header of that name
 * @param tracestate the value of the header of that name; may be empty
 * @see <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>
 */
public record TraceContext(String traceparent, String tracestate) {
    private static final Pattern PARENT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
    /** The length that the specification requires to be propagated. */
    private static final int STATE_LENGTH = 512;

    /** Bound on this thread while it works for a trace. */
    private static final ScopedValue<TraceContext> CURRENT = ScopedValue.newInstance();

    public TraceContext {
        if (!PARENT.matcher(traceparent).matches() || tracestate.length() > STATE_LENGTH) {
            throw new IllegalArgumentException("not a trace context: " + traceparent);
        }
    }

    /** Parses a caller's headers; a malformed trace is dropped, as the specification requires. */
    public static Optional<TraceContext> parse(String traceparent, String tracestate) {
        if (!PARENT.matcher(traceparent).matches()) {
            return Optional.empty();
        }
        return Optional.of(new TraceContext(traceparent, tracestate.length() > STATE_LENGTH ? "" : tracestate));
    }

    /** The trace that this thread works for: that of the request it handles, or of the run whose step it executes. */
    public static Optional<TraceContext> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /**
     * Runs work for a trace, if there is one. Runs started by the work belong to the trace unless they name another.
     */
    public static <T extends @Nullable Object, X extends Throwable> T within(
            Optional<TraceContext> trace, ScopedValue.CallableOp<? extends T, X> work) throws X {
        return trace.isPresent() ? ScopedValue.where(CURRENT, trace.get()).call(work) : work.call();
    }
}
