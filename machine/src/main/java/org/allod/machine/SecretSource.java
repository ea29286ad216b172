package org.allod.machine;

import java.util.Map;

/**
 * The source of an app's secrets. It is read when a guest boots from clean and when a request is checked. Values go to
 * the guest and are written nowhere else: to no record, run, event or error.
 */
public interface SecretSource {
    /** All secrets of an app as of now. */
    Values of(String app);

    /**
     * Secrets by name, and the version of the app's last change of them. {@code toString} leaves the values out.
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
