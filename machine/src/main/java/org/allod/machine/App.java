package org.allod.machine;

import java.time.Instant;

/**
 * A named group of machines with a private network of its own.
 *
 * @param name unique on the fleet
 * @param network the number of its network; never used again
 * @param networkName the name that the caller gave the network; empty for the app's own
 * @param created when it was created
 */
public record App(String name, int network, String networkName, Instant created) {}
