package org.allod.fsm;

/** How many steps and finalizers a run has, which is all that the {@link Reducer} needs to know of its type. */
record StepCounts(int steps, int finalizers) {}
