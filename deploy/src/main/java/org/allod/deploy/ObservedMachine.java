package org.allod.deploy;

/**
 * A machine as the survey finds it.
 *
 * @param group its process group, from its metadata
 * @param runs whether it runs
 * @param failed whether it does not run because it has failed
 */
record ObservedMachine(
        String id, String name, String group, String version, boolean runs, boolean failed, boolean cordoned) {}
