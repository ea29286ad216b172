package org.allod.deploy;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a deploy is to bring about.
 *
 * @param maxUnavailable how many machines of a group may be down at once: a number from 1 on, or a part of the group
 *     below 1
 * @param waitTimeout how long one machine may take to start and pass its checks, and a busy one to become free
 * @param groups what is to run
 * @param release a command that has to end well before any of them is touched
 * @param tenant whether who asks has no more than a token of the app
 */
public record Plan(
        Strategy strategy,
        double maxUnavailable,
        Duration waitTimeout,
        List<Group> groups,
        Optional<Release> release,
        boolean tenant) {
    /** As large as an app's deploy may be: its state is written whole at each step. */
    static final int MAX_MACHINES = 200;

    public Plan {
        groups = List.copyOf(groups);
    }

    /**
     * Machines that are the same.
     *
     * @param name of the process group
     * @param count how many there are to be; empty for as many as there are, at least one
     * @param config the configuration of each, as the Machines API has it
     */
    public record Group(String name, Optional<Integer> count, ObjectNode config) {
        Group with(ObjectNode other) {
            return new Group(name, count, other);
        }

        /** The image it asks for. */
        public String image() {
            return config.path("image").stringValue("");
        }
    }

    /**
     * A command, run once in a machine of its own with the first group's image and environment.
     *
     * @param timeout how long it may take
     */
    public record Release(List<String> command, Duration timeout) {
        public Release {
            command = List.copyOf(command);
        }
    }

    Plan with(List<Group> others) {
        return new Plan(strategy, maxUnavailable, waitTimeout, others, release, tenant);
    }

    /** The same without its release command: what it did is done, and going back must not depend on it. */
    Plan unreleased() {
        return new Plan(strategy, maxUnavailable, waitTimeout, groups, Optional.empty(), tenant);
    }

    /** The same, asked for by somebody else. */
    Plan by(boolean tenant) {
        return new Plan(strategy, maxUnavailable, waitTimeout, groups, release, tenant);
    }

    Optional<Group> group(String name) {
        return groups.stream().filter(g -> g.name().equals(name)).findFirst();
    }

    /** How many of a group of {@code size} may be on their way at once. */
    int window(int size) {
        if (strategy == Strategy.IMMEDIATE) {
            return Math.max(1, size);
        }
        double many = maxUnavailable < 1 ? maxUnavailable * size : maxUnavailable;
        return (int) Math.clamp(Math.floor(many), 1, DeployReducer.AT_ONCE);
    }

    /** The name of the n-th machine the deploy makes for a group: always the same, so that it is found again. */
    static String machineName(String group, String deploy, int n) {
        String tail = deploy.substring(deploy.length() - 6).toLowerCase(Locale.ROOT);
        return group + "-" + tail + "-" + n;
    }
}
