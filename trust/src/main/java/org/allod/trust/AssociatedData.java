package org.allod.trust;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The place a sealed value belongs to: authenticated together with it, so that it opens only there.
 *
 * @param kind the kind of value: {@code secret}, {@code app-key}, …
 * @param app the app that owns it
 * @param name its name in the app; empty if there is only one
 * @param version the app's version that set it; 0 if it has none
 */
record AssociatedData(String kind, String app, String name, long version) {
    /** Each text is preceded by its length, so that two different bindings never have the same bytes. */
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

    /** For errors: contains no secret. */
    @Override
    public String toString() {
        return kind + (name.isEmpty() ? "" : " " + name) + (app.isEmpty() ? "" : " of app " + app);
    }
}
