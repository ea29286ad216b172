package org.allod.fsm;

/** How many steps and finalizers a run has: all that decisions need to know of its type. */
record StepCounts(int steps, int finalizers) {}
