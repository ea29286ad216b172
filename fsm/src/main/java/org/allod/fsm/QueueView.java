package org.allod.fsm;

/** The state of a named queue: how many runs may execute at once, how many execute, and how many wait. */
public record QueueView(String name, int cap, int executing, int waiting) {}
