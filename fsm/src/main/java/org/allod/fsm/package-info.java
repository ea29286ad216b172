/**
 * Durable finite state machines: runs of ordered steps that survive the death of the process.
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
 * Ended ended = engine.await(run, Duration.ofSeconds(30));
 * }</pre>
 */
@NullMarked
package org.allod.fsm;

import org.jspecify.annotations.NullMarked;
