package org.allod.api;

import java.util.Base64;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Bytes in JSON. The description of the Machines API declares a list of numbers; its Go clients send and expect base64,
 * which is how Go encodes bytes. Both are accepted, and the response uses the form of the request; without bytes in the
 * request, it uses the declared form.
 */
record JsonBytes(byte[] bytes, Form form) {
    /** The encoding of bytes. */
    enum Form {
        BASE64,
        NUMBERS;

        ObjectNode put(ObjectNode into, String name, byte[] bytes) {
            switch (this) {
                case BASE64 -> into.put(name, Base64.getEncoder().encodeToString(bytes));
                case NUMBERS -> {
                    ArrayNode list = into.putArray(name);
                    for (byte b : bytes) {
                        list.add(b & 0xff);
                    }
                }
            }
            return into;
        }
    }

    /** Reads either form; errors never repeat the input. */
    static JsonBytes read(String name, JsonNode value) {
        if (value.isString()) {
            try {
                return new JsonBytes(Base64.getDecoder().decode(value.stringValue()), Form.BASE64);
            } catch (IllegalArgumentException e) {
                throw RejectedException.invalid(name + " is not base64");
            }
        }
        if (!value.isArray()) {
            throw RejectedException.invalid(name + " must be bytes: base64, or a list of numbers from 0 to 255");
        }
        byte[] bytes = new byte[value.size()];
        for (int i = 0; i < bytes.length; i++) {
            JsonNode one = value.get(i);
            if (!one.isIntegralNumber() || !one.canConvertToInt() || one.intValue() < 0 || one.intValue() > 255) {
                throw RejectedException.invalid("%s[%d] must be a number from 0 to 255".formatted(name, i));
            }
            bytes[i] = (byte) one.intValue();
        }
        return new JsonBytes(bytes, Form.NUMBERS);
    }
}
