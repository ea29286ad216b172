package org.allod.trust;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a sealed value belongs to: authenticated with it, so that it opens in this place and no other.
 *
 * @param kind what sort of value: {@code secret}, {@code app-key}, …
 * @param app whose
 * @param name its name in the app; empty where there is one only
 * @param version the app's version that it came with; 0 where it has none
 */
record AssociatedData(String kind, String app, String name, long version) {
    /** Each text behind its length, so that no two bindings have the same bytes. */
    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String text : new String[] {kind, app, name}) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            out.writeBytes(ByteBuffer.allocate(4).putInt(bytes.length).array());
            out.writeBytes(bytes);
        }
        out.writeBytes(ByteBuffer.allocate(8).putLong(version).array());
        return out.toByteArray();
    }

    /** For errors: nothing here is a secret. */
    @Override
    public String toString() {
        return kind + (name.isEmpty() ? "" : " " + name) + (app.isEmpty() ? "" : " of app " + app);
    }
}
