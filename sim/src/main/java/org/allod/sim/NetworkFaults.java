package org.allod.sim;

/**
 * The faults of the network at one moment.
 *
 * @param loss the probability that a message is lost
 * @param duplicate the probability that it is delivered twice
 * @param delay the probability that it takes up to {@code delayNanos} longer, so that others overtake it
 */
public record NetworkFaults(double loss, double duplicate, double delay, long delayNanos) {
    public static final NetworkFaults NONE = new NetworkFaults(0, 0, 0, 0);
}
