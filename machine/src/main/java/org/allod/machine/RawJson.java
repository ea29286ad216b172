package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object as text. A host may keep a hundred thousand configurations that nobody looks at for days: as text each
 * takes a tenth of what the tree of nodes does. Immutable.
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

    /** Of an object's text in UTF-8, which the caller has read before and does not change. */
    static RawJson wrap(byte[] object) {
        return new RawJson(object);
    }

    /** Of an object's text, which the caller has read before. */
    static RawJson wrap(String object) {
        return new RawJson(object.getBytes(StandardCharsets.UTF_8));
    }

    /** The object, made anew: the caller's own. */
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
