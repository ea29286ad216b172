package org.allod.runtime;

/**
 * The key of one encrypted volume, asked for at the moment it is needed. Never part of a command line, a log or an
 * error.
 */
@FunctionalInterface
public interface VolumeKey {
    /** The key as QEMU takes it, which is text; not to be changed. */
    byte[] bytes();
}
