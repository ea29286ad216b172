package org.allod.fsm;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * A kind of run: its name, its steps in order, its finalizers, and the codecs of its request and response. Immutable.
 *
 * <p>A run keeps the list of steps that it was started with. If a newer program lacks one of these steps, or a
 * finalizer, the run fails there with an error that names it. A step that a newer program adds is not part of runs
 * already started. So keep an obsolete step with an empty body for as long as recorded runs may name it, and never
 * reuse an old name.
 *
 * @param <Q> the request
 * @param <R> the response, built up by the steps
 */
public final class RunType<Q, R> {
    private final String name;
    private final String action;
    private final Codec<Q> requests;
    private final Codec<R> responses;
    private final Map<String, Step<Q, R>> steps;
    private final Map<String, Finalizer<Q, R>> finalizers;
    private final List<String> stepNames;
    private final List<String> finalizerNames;

    private RunType(Builder<Q, R> b) {
        name = b.name;
        action = b.action;
        requests = b.requests;
        responses = b.responses;
        steps = Map.copyOf(b.steps);
        finalizers = Map.copyOf(b.finalizers);
        stepNames = List.copyOf(b.steps.keySet());
        finalizerNames = List.copyOf(b.finalizers.keySet());
    }

    /** Begins a type. The name is recorded with every run, so it must never change. */
    public static Named named(String name) {
        return new Named(name);
    }

    /** A name that still needs its codecs. */
    public record Named(String name) {
        public <Q, R> Builder<Q, R> codec(Codec<Q> requests, Codec<R> responses) {
            return new Builder<>(name, requests, responses);
        }

        /** JSON of two records. */
        public <Q, R> Builder<Q, R> json(Class<Q> request, Class<R> response) {
            return codec(Codec.json(request), Codec.json(response));
        }
    }

    public String name() {
        return name;
    }

    /** Runs with the same action and subject exclude each other. */
    public String action() {
        return action;
    }

    public List<String> steps() {
        return stepNames;
    }

    public List<String> finalizers() {
        return finalizerNames;
    }

    /** The response of a run of this type, as far as the run got. */
    public Optional<R> response(RunResult result) {
        return result.response().map(responses::decode);
    }

    Codec<Q> requests() {
        return requests;
    }

    Codec<R> responses() {
        return responses;
    }

    Optional<Step<Q, R>> step(String stepName) {
        return Optional.ofNullable(steps.get(stepName));
    }

    Optional<Finalizer<Q, R>> finalizer(String finalizerName) {
        return Optional.ofNullable(finalizers.get(finalizerName));
    }

    /** The same type with each step and finalizer wrapped, which lets the harness disturb them. */
    RunType<Q, R> decorate(
            BiFunction<String, Step<Q, R>, Step<Q, R>> step,
            BiFunction<String, Finalizer<Q, R>, Finalizer<Q, R>> finalizer) {
        Builder<Q, R> b = new Builder<>(name, requests, responses).action(action);
        stepNames.forEach(n -> step(n).ifPresent(body -> b.step(n, step.apply(n, body))));
        finalizerNames.forEach(n -> finalizer(n).ifPresent(body -> b.finalizer(n, finalizer.apply(n, body))));
        return b.build();
    }

    /** Collects the steps in order. */
    public static final class Builder<Q, R> {
        private final String name;
        private final Codec<Q> requests;
        private final Codec<R> responses;
        private final Map<String, Step<Q, R>> steps = new LinkedHashMap<>();
        private final Map<String, Finalizer<Q, R>> finalizers = new LinkedHashMap<>();
        private final List<String> problems = new ArrayList<>();
        private String action;

        private Builder(String name, Codec<Q> requests, Codec<R> responses) {
            this.name = name;
            this.action = name;
            this.requests = requests;
            this.responses = responses;
        }

        /** Gives several types one action, so that at most one of them is active for a subject. */
        public Builder<Q, R> action(String sharedAction) {
            action = sharedAction;
            return this;
        }

        public Builder<Q, R> step(String stepName, Step<Q, R> step) {
            check(stepName);
            steps.put(stepName, step);
            return this;
        }

        public Builder<Q, R> finalizer(String finalizerName, Finalizer<Q, R> finalizer) {
            check(finalizerName);
            finalizers.put(finalizerName, finalizer);
            return this;
        }

        private void check(String part) {
            if (part.isEmpty() || part.indexOf('\n') >= 0 || steps.containsKey(part) || finalizers.containsKey(part)) {
                problems.add("'" + part + "' is empty, has a line break or is there twice");
            }
        }

        public RunType<Q, R> build() {
            if (steps.isEmpty()) {
                problems.add("there is no step");
            }
            if (!problems.isEmpty()) {
                throw new IllegalArgumentException("run type " + name + ": " + String.join("; ", problems));
            }
            return new RunType<>(this);
        }
    }
}
