package org.allod.fsm;

import java.util.Optional;

/** Which runs to list. */
public record RunFilter(Optional<String> type, Optional<String> subject, boolean activeOnly) {
    public static RunFilter all() {
        return new RunFilter(Optional.empty(), Optional.empty(), false);
    }

    public static RunFilter active() {
        return new RunFilter(Optional.empty(), Optional.empty(), true);
    }

    public RunFilter type(String name) {
        return new RunFilter(Optional.of(name), subject, activeOnly);
    }

    public RunFilter subject(String name) {
        return new RunFilter(type, Optional.of(name), activeOnly);
    }

    boolean matches(String runType, String runSubject) {
        return type.filter(t -> !t.equals(runType)).isEmpty()
                && subject.filter(s -> !s.equals(runSubject)).isEmpty();
    }
}
