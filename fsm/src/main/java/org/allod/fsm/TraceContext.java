package org.allod.fsm;

import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The trace that a run belongs to, kept with it so that steps after a restart join the same trace.
 *
 * @param traceparent as in the header of that name
 * @param tracestate as in the header of that name; may be empty
 * @see <a href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a>
 */
public record TraceContext(String traceparent, String tracestate) {
    private static final Pattern PARENT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
    /** The specification's bound on what must be carried along. */
    private static final int STATE_LENGTH = 512;

    /** Bound while something is done for a trace, on this thread. */
    private static final ScopedValue<TraceContext> CURRENT = ScopedValue.newInstance();

    public TraceContext {
        if (!PARENT.matcher(traceparent).matches() || tracestate.length() > STATE_LENGTH) {
            throw new IllegalArgumentException("not a trace context: " + traceparent);
        }
    }

    /** Reads headers that a caller sent; a malformed trace is dropped, as the specification says. */
    public static Optional<TraceContext> parse(String traceparent, String tracestate) {
        if (!PARENT.matcher(traceparent).matches()) {
            return Optional.empty();
        }
        return Optional.of(new TraceContext(traceparent, tracestate.length() > STATE_LENGTH ? "" : tracestate));
    }

    /** The trace that this thread is at work for: that of the request it answers, or of the run whose step it is at. */
    public static Optional<TraceContext> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /** Does the work for that trace, if there is one: a run that it starts belongs to the trace unless it says otherwise. */
    public static <T extends @Nullable Object, X extends Throwable> T within(
            Optional<TraceContext> trace, ScopedValue.CallableOp<? extends T, X> work) throws X {
        return trace.isPresent() ? ScopedValue.where(CURRENT, trace.get()).call(work) : work.call();
    }
}
