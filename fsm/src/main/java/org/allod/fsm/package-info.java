/**
 * Durable finite state machines: runs of ordered steps that survive the death of the process. Everything that changes a
 * machine, a volume or a deploy is a run.
 *
 * <pre>{@code
 * RunType<StartRequest, Started> start = RunType.named("machine.start")
 *         .json(StartRequest.class, Started.class)
 *         .step("network", this::network)
 *         .step("boot", this::boot)
 *         .finalizer("publish", this::publish)
 *         .build();
 * engine.register(start);
 * engine.resume();
 * RunId run = engine.start(start, machine.id(), new StartRequest(...));
 * RunResult result = engine.await(run, Duration.ofSeconds(30));
 * }</pre>
 *
 * <p><b>The promise.</b> When {@code start} and {@code cancel} return, what they did is durable. The end of each step
 * is durable before the next begins. After {@code kill -9} or a power cut every active run continues at the step whose
 * end is not recorded, with its queue, its response so far and its count of attempts. A step may therefore run more
 * than once, and must look for what is already there before making it. docs/decisions/011 lists the other guarantees.
 *
 * <p><b>How it is built; read in this order.</b> {@link org.allod.fsm.Engine} is the facade. {@code Reducer} decides: a
 * pure function from a run's state and an input to the next state, the events to record, and the effects that are due
 * once those are durable. {@code RunDriver} is the shell around it: it takes one input of a run at a time, appends the
 * events, then performs the effects; {@code StepExecutor} calls the steps. {@code RunRegistry} holds the active runs,
 * {@code AdmissionControl} decides which may execute, and {@code RunScheduler} connects these two with the driver.
 * {@link org.allod.fsm.EventStore} has two implementations, SQLite and a simulated disk, so that the whole engine also
 * runs in one thread from a seed.
 *
 * <p><b>Thread rule.</b> {@link org.allod.fsm.Engine} may be called from any thread. Steps run on virtual threads,
 * one at a time for a run. No lock is held while the store or a step is called.
 *
 * <p>Depends on {@code base} and {@code store}. Every run type is put through {@link org.allod.fsm.RunTypeHarness} in
 * the tests of its room.
 */
@NullMarked
package org.allod.fsm;

import org.jspecify.annotations.NullMarked;
