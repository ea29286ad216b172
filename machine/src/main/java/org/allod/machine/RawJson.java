package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object as text. A host may keep a hundred thousand configurations that are rarely read, and text takes a tenth
 * of the memory of a tree of nodes. Immutable.
 */
public final class RawJson {
    private static final JsonMapper JSON = new JsonMapper();

    private final byte[] utf8;

    private RawJson(byte[] utf8) {
        this.utf8 = utf8;
    }

    static RawJson wrap(ObjectNode node) {
        return wrap(node.toString());
    }

    /** Wraps an object's text in UTF-8, which the caller has validated and must not change. */
    static RawJson wrap(byte[] object) {
        return new RawJson(object);
    }

    /** Wraps an object's text, which the caller has validated. */
    static RawJson wrap(String object) {
        return new RawJson(object.getBytes(StandardCharsets.UTF_8));
    }

    /** Parses the object; the result is new and belongs to the caller. */
    ObjectNode node() {
        return (ObjectNode) JSON.readTree(utf8);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RawJson that && Arrays.equals(utf8, that.utf8);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(utf8);
    }

    @Override
    public String toString() {
        return new String(utf8, StandardCharsets.UTF_8);
    }
}
