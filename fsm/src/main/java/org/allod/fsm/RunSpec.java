package org.allod.fsm;

import java.util.List;
import java.util.Optional;

/**
 * What is recorded when a run starts, and never changes.
 *
 * @param created in milliseconds since the epoch
 * @param notBefore in milliseconds since the epoch; 0 if there was no delay
 * @param steps the names of the steps in order, as the type had them then
 */
record RunSpec(
        RunId id,
        String type,
        String action,
        String subject,
        long created,
        long notBefore,
        Optional<String> queue,
        Optional<RunId> after,
        Optional<RunId> parent,
        Optional<TraceContext> trace,
        List<String> steps,
        List<String> finalizers,
        Payload request) {
    StepCounts shape() {
        return new StepCounts(steps.size(), finalizers.size());
    }
}
