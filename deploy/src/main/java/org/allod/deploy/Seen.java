package org.allod.deploy;

/**
 * A machine as a survey finds it.
 *
 * @param group its process group, from its metadata
 * @param runs whether it runs
 */
record Seen(String id, String name, String group, String version, boolean runs, boolean cordoned) {}
