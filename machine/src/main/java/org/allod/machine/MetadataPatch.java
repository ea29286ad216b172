package org.allod.machine;

import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * A change of a machine's metadata.
 *
 * @param keys a value for each key to set, empty for each key to remove
 * @param expected the version that the caller believes is current
 */
public record MetadataPatch(Map<String, Optional<String>> keys, Optional<String> expected) {
    private static final int MAX_KEY = 256;
    private static final int MAX_VALUE = 4_096;

    public MetadataPatch {
        keys = Map.copyOf(keys);
        keys.forEach((key, value) -> check("metadata", key, value.orElse("")));
    }

    /** Refuses an empty key, and a key or value that is too long. */
    static void check(String path, String key, String value) {
        if (key.isEmpty() || key.length() > MAX_KEY) {
            throw RejectedException.invalid("%s has the key \"%s\", of %d characters: a key has 1 to %d characters"
                    .formatted(path, StrictJsonReader.clip(key), key.length(), MAX_KEY));
        }
        if (value.length() > MAX_VALUE) {
            throw RejectedException.invalid(
                    "%s.%s has %d characters: a value has at most %d".formatted(path, key, value.length(), MAX_VALUE));
        }
    }
}
