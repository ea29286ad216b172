package org.allod.fsm;

import java.time.Instant;
import java.util.List;

/** Formats recorded events as lines of a history, for both stores. */
final class HistoryFormatter {
    private HistoryFormatter() {}

    static HistoryEvent start(RunSpec spec) {
        return new HistoryEvent(
                Instant.ofEpochMilli(spec.created()), "start", "", 0, spec.type() + " " + spec.subject());
    }

    static HistoryEvent finish(long at, Outcome outcome) {
        String detail = outcome.detail();
        return new HistoryEvent(
                Instant.ofEpochMilli(at),
                "finish",
                "",
                0,
                detail.isEmpty() ? outcome.word() : outcome.word() + ": " + detail);
    }

    static String name(RunSpec spec, String kind, int step) {
        List<String> names = kind.startsWith("finalizer") ? spec.finalizers() : spec.steps();
        return step < 0 || step >= names.size() ? "" : names.get(step);
    }
}
