package org.allod.machine;

import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;

/**
 * A change of a machine's metadata.
 *
 * @param keys a value for each key to set, nothing for each to remove
 * @param expected the version the caller believes is current
 */
public record Metadata(Map<String, Optional<String>> keys, Optional<String> expected) {
    private static final int MAX_KEY = 256;
    private static final int MAX_VALUE = 4_096;

    public Metadata {
        keys = Map.copyOf(keys);
        keys.forEach((key, value) -> {
            if (key.isEmpty() || key.length() > MAX_KEY) {
                throw Rejected.invalid(
                        "a metadata key has 1 to %d characters; this one has %d".formatted(MAX_KEY, key.length()));
            }
            value.filter(v -> v.length() > MAX_VALUE).ifPresent(v -> {
                throw Rejected.invalid(
                        "metadata.%s has %d characters: a value has at most %d".formatted(key, v.length(), MAX_VALUE));
            });
        });
    }
}
