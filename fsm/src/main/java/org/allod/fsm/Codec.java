package org.allod.fsm;

import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;

/**
 * Encodes requests and responses to the bytes that are recorded. Since a newer program may resume a run, a codec must
 * read what its older versions wrote. Safe for any thread.
 */
public interface Codec<T> {
    byte[] encode(T value);

    T decode(byte[] bytes);

    /** JSON of a record. Unknown fields are skipped and absent ones are null, so that records may grow. */
    static <T> Codec<T> json(Class<T> type) {
        return new Codec<>() {
            @Override
            public byte[] encode(T value) {
                return Json.MAPPER.writeValueAsBytes(value);
            }

            @Override
            public T decode(byte[] bytes) {
                return Json.MAPPER.readValue(bytes, type);
            }
        };
    }

    /** Plain text. */
    static Codec<String> text() {
        return new Codec<>() {
            @Override
            public byte[] encode(String value) {
                return value.getBytes(StandardCharsets.UTF_8);
            }

            @Override
            public String decode(byte[] bytes) {
                return new String(bytes, StandardCharsets.UTF_8);
            }
        };
    }

    /** The bytes themselves. */
    static Codec<byte[]> bytes() {
        return new Codec<>() {
            @Override
            public byte[] encode(byte[] value) {
                return value;
            }

            @Override
            public byte[] decode(byte[] bytes) {
                return bytes;
            }
        };
    }
}

/** Initialized on first use, so that a program which never encodes JSON does not load Jackson. */
final class Json {
    static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(tools.jackson.databind.DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private Json() {}
}
