package org.allod.fsm;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Runs the body of one step or finalizer and turns its result into an input. An {@link Error} is a defect of the
 * program. In a step it ends the run, since a retry would only repeat it. A finalizer is retried even then, because
 * nothing else does what it leaves undone. {@link OutOfMemoryError} concerns the whole process and is rethrown.
 */
final class StepRunner {
    private static final System.Logger LOG = System.getLogger(StepRunner.class.getName());
    /** How much of an error is recorded: enough for a message, not for a dump. */
    private static final int ERROR_LENGTH = 2000;

    private final int payload;

    StepRunner(int payload) {
        this.payload = payload;
    }

    <Q, R> RunInput step(ActiveRun run, RunType<Q, R> type, int step, int attempt, StepContextImpl.Signals signals) {
        String name = run.spec.steps().get(step);
        Optional<Step<Q, R>> body = type.step(name);
        if (body.isEmpty()) {
            return gone(run, step, "step", name);
        }
        return guarded(run, step, name, false, () -> {
            @Nullable R answer = body.get().run(new StepContextImpl<>(run, type, name, attempt, signals));
            return answer == null ? null : new Payload(type.responses().encode(answer));
        });
    }

    <Q, R> RunInput finalizer(
            ActiveRun run,
            RunType<Q, R> type,
            Outcome outcome,
            int step,
            int attempt,
            StepContextImpl.Signals signals) {
        String name = run.spec.finalizers().get(step);
        Optional<Finalizer<Q, R>> body = type.finalizer(name);
        if (body.isEmpty()) {
            return gone(run, step, "finalizer", name);
        }
        return guarded(run, step, name, true, () -> {
            body.get().run(new StepContextImpl<>(run, type, name, attempt, signals), outcome);
            return null;
        });
    }

    /** The step is missing in this program, so its work is not done, and the run must not end as a success. */
    private static RunInput gone(ActiveRun run, int step, String what, String name) {
        String why = "%s '%s' of %s is not in this program: the run was started by another version of it"
                .formatted(what, name, run.spec.type());
        LOG.log(System.Logger.Level.WARNING, "run {0} fails: {1}", run.id(), why);
        return new RunInput.Halted(step, new Outcome.Unrecoverable(Fault.SYSTEM, why));
    }

    private interface Body {
        @Nullable
        Payload run() throws Exception;
    }

    // Whatever a step throws is its outcome; the engine must go on.
    @SuppressWarnings("CatchAndPrintStackTrace")
    private RunInput guarded(ActiveRun run, int step, String name, boolean last, Body body) {
        try {
            Payload answer = TraceContext.within(run.spec.trace(), body::run);
            if (answer != null && answer.bytes().length > payload) {
                return new RunInput.Halted(
                        step,
                        new Outcome.Unrecoverable(
                                Fault.SYSTEM,
                                "step '%s' answered %d bytes, the bound is %d"
                                        .formatted(name, answer.bytes().length, payload)));
            }
            return new RunInput.Returned(step, Optional.ofNullable(answer));
        } catch (TerminalException halt) {
            return new RunInput.Halted(step, halt.outcome());
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (Throwable e) {
            LOG.log(
                    e instanceof Error ? System.Logger.Level.ERROR : System.Logger.Level.DEBUG,
                    () -> "run %s of %s %s: step '%s' failed"
                            .formatted(run.id(), run.spec.type(), run.spec.subject(), name),
                    e);
            return e instanceof Error && !last
                    ? new RunInput.Halted(step, new Outcome.Unrecoverable(Fault.SYSTEM, defect(name, e)))
                    : new RunInput.Threw(step, describe(e));
        }
    }

    private static String defect(String step, Throwable e) {
        String message = e.getMessage() == null ? "" : ": " + describe(e);
        return "step '%s' failed with %s%s: a defect of this program; its log has the place"
                .formatted(step, e.getClass().getName(), message);
    }

    static String describe(Throwable e) {
        String message = e.getMessage();
        String text = message == null || message.isBlank() ? e.getClass().getName() : message;
        return text.length() <= ERROR_LENGTH ? text : text.substring(0, ERROR_LENGTH) + "…";
    }
}
