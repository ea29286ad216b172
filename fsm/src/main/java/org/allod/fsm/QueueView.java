package org.allod.fsm;

/** A named queue: how many may execute at once, how many do, and how many wait. */
public record QueueView(String name, int cap, int executing, int waiting) {}
