package org.allod.deploy;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a deploy is to achieve.
 *
 * @param maxUnavailable how many machines of a group may be down at once: a count of at least 1, or a fraction of the
 *     group below 1
 * @param waitTimeout how long a machine may take to start and pass its checks, and a busy one to become free
 * @param groups the groups of machines that are to run
 * @param release a command that must succeed before any machine is changed
 * @param tenant whether the caller has only a token of the app
 */
public record Plan(
        Strategy strategy,
        double maxUnavailable,
        Duration waitTimeout,
        List<Group> groups,
        Optional<Release> release,
        boolean tenant) {
    /** The most machines of a deploy, since its whole state is written at each step. */
    static final int MAX_MACHINES = 200;

    public Plan {
        groups = List.copyOf(groups);
    }

    /**
     * A process group: machines with the same configuration.
     *
     * @param name the name of the process group
     * @param count how many there are to be; empty for as many as exist, at least one
     * @param config the configuration of each, in the form of the Machines API
     */
    public record Group(String name, Optional<Integer> count, ObjectNode config) {
        Group with(ObjectNode other) {
            return new Group(name, count, other);
        }

        /** The image that the configuration names. */
        public String image() {
            return config.path("image").stringValue("");
        }
    }

    /**
     * A command that runs once in a machine of its own, with the first group's image and environment.
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

    /** The same without its release command, for a rollback, which must not depend on it. */
    Plan unreleased() {
        return new Plan(strategy, maxUnavailable, waitTimeout, groups, Optional.empty(), tenant);
    }

    /** The same with the rights of another caller. */
    Plan by(boolean tenant) {
        return new Plan(strategy, maxUnavailable, waitTimeout, groups, release, tenant);
    }

    Optional<Group> group(String name) {
        return groups.stream().filter(g -> g.name().equals(name)).findFirst();
    }

    /** How many machines of a group of {@code size} may change at once. */
    int window(int size) {
        if (strategy == Strategy.IMMEDIATE) {
            return Math.max(1, size);
        }
        double many = maxUnavailable < 1 ? maxUnavailable * size : maxUnavailable;
        return (int) Math.clamp(Math.floor(many), 1, DeployReducer.AT_ONCE);
    }

    /** The name of the n-th machine that the deploy makes for a group; deterministic, so that a retry finds it. */
    static String machineName(String group, String deploy, int n) {
        String tail = deploy.substring(deploy.length() - 6).toLowerCase(Locale.ROOT);
        return group + "-" + tail + "-" + n;
    }
}
