package org.allod.sim;

/**
 * What the network does wrong at the moment.
 *
 * @param loss probability that a message is lost
 * @param duplicate probability that it comes twice
 * @param delay probability that it takes up to {@code delayNanos} longer, and so is overtaken
 */
public record NetworkFaults(double loss, double duplicate, double delay, long delayNanos) {
    public static final NetworkFaults NONE = new NetworkFaults(0, 0, 0, 0);
}
