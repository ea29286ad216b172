package org.allod.machine;

import java.util.Map;

/**
 * Where a boot finds the secrets of its app. Asked when a guest boots from clean, and for checks of a request; what it
 * answers goes to the guest and is written nowhere: not to a record, a run, an event or an error.
 */
public interface SecretSource {
    /** Everything an app has, as of now. */
    Values of(String app);

    /**
     * Secrets by name, and the version of the app's last change of them. Prints without the values.
     */
    record Values(long version, Map<String, String> byName) {
        @Override
        public String toString() {
            return "Values[version=" + version + ", names=" + byName.keySet() + "]";
        }
    }

    /** For a host without secrets. */
    SecretSource NONE = app -> new Values(0, Map.of());
}
