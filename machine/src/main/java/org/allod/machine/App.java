package org.allod.machine;

import java.time.Instant;

/**
 * A named group of machines with a private network of its own.
 *
 * @param name unique on the fleet
 * @param network its network's number, never used again
 * @param networkName what the caller called the network; empty for the app's own
 * @param created when
 */
public record App(String name, int network, String networkName, Instant created) {}
