package org.allod.runtime;

/** The key of one encrypted volume, fetched when it is needed. Never part of a command line, a log or an error. */
@FunctionalInterface
public interface VolumeKey {
    /** The key as QEMU accepts it, as text; must not be modified. */
    byte[] bytes();
}
