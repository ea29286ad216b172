package org.allod.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * A JSON value, read and written by streaming: data binding would triple the command's start-up time. A missing field
 * reads as {@link Null}, so that a path through a response needs no checks.
 */
sealed interface Json {
    /** A JSON object, in the order it was written. */
    record Obj(Map<String, Json> fields) implements Json {}

    /** A JSON array. */
    record Arr(List<Json> list) implements Json {}

    /** A string. */
    record Text(String value) implements Json {}

    /** A number, of any size. */
    record Num(BigDecimal value) implements Json {}

    /** True or false. */
    record Bool(boolean value) implements Json {}

    /** {@code null}, or a missing field. */
    record Null() implements Json {}

    static Json none() {
        return new Null();
    }

    /** The field at the end of this path; {@link Null} if there is none. */
    default Json at(String... path) {
        Json here = this;
        for (String name : path) {
            here = here instanceof Obj(Map<String, Json> fields) ? fields.getOrDefault(name, none()) : none();
        }
        return here;
    }

    default boolean isNull() {
        return this instanceof Null;
    }

    /** The value for display: a string without quotes, empty for null, JSON for the rest. */
    default String text() {
        return switch (this) {
            case Text(String value) -> value;
            case Num(BigDecimal value) -> value.toPlainString();
            case Bool(boolean value) -> Boolean.toString(value);
            case Null() -> "";
            case Obj _, Arr _ -> write();
        };
    }

    default String text(String otherwise) {
        String text = text();
        return text.isEmpty() ? otherwise : text;
    }

    /** An integer; {@code otherwise} if the value is none. */
    default long number(long otherwise) {
        return this instanceof Num(BigDecimal value) ? value.longValue() : otherwise;
    }

    default boolean isTrue() {
        return this instanceof Bool(boolean value) && value;
    }

    /** The items of an array; empty for any other value. */
    default List<Json> items() {
        return this instanceof Arr(List<Json> list) ? list : List.of();
    }

    /** The fields of an object; empty for any other value. */
    default Map<String, Json> map() {
        return this instanceof Obj(Map<String, Json> fields) ? fields : Map.of();
    }

    /** An object of alternating names and values. A null value leaves its field out. */
    static Json obj(@Nullable Object... namesAndValues) {
        Map<String, Json> fields = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            Object value = namesAndValues[i + 1];
            if (value != null) {
                fields.put(String.valueOf(namesAndValues[i]), of(value));
            }
        }
        return new Obj(fields);
    }

    static Json of(@Nullable Object value) {
        return switch (value) {
            case null -> none();
            case Json json -> json;
            case Boolean truth -> new Bool(truth);
            case Integer number -> new Num(BigDecimal.valueOf(number));
            case Long number -> new Num(BigDecimal.valueOf(number));
            case List<?> list -> new Arr(list.stream().map(Json::of).toList());
            case Map<?, ?> map -> {
                Map<String, Json> fields = new LinkedHashMap<>();
                map.forEach((name, item) -> fields.put(String.valueOf(name), of(item)));
                yield new Obj(fields);
            }
            default -> new Text(value.toString());
        };
    }

    /** Parses exactly one value; anything after it is an error. */
    static Json parse(String json) {
        try (JsonParser parser = JsonFactory.builder().build().createParser(ObjectReadContext.empty(), json)) {
            return whole(parser);
        } catch (JacksonException e) {
            throw new FailedException("the daemon's answer is not JSON: " + firstLine(e), e);
        }
    }

    static Json parse(InputStream json) throws IOException {
        byte[] bytes = json.readAllBytes();
        if (bytes.length == 0) {
            return none();
        }
        try (JsonParser parser = JsonFactory.builder().build().createParser(ObjectReadContext.empty(), bytes)) {
            return whole(parser);
        } catch (JacksonException e) {
            throw new FailedException("the daemon's answer is not JSON: " + firstLine(e), e);
        }
    }

    /** Reads one value from a parser of any format. */
    static Json read(JsonParser parser) {
        return whole(parser);
    }

    private static String firstLine(JacksonException e) {
        return String.valueOf(e.getOriginalMessage());
    }

    private static Json whole(JsonParser parser) {
        Json value = parser.nextToken() == null ? none() : value(parser);
        if (parser.nextToken() != null) {
            throw new FailedException("the daemon's answer has something after its end");
        }
        return value;
    }

    /** Recursion is bounded by the parser's nesting limit of 500. */
    private static Json value(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Json> fields = new LinkedHashMap<>();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = unreserved(parser.currentName());
                    parser.nextToken();
                    fields.put(name, value(parser));
                }
                yield new Obj(fields);
            }
            case START_ARRAY -> {
                List<Json> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(parser));
                }
                yield new Arr(list);
            }
            case VALUE_STRING -> new Text(unreserved(parser.getString()));
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Num(parser.getDecimalValue());
            case VALUE_TRUE -> new Bool(true);
            case VALUE_FALSE -> new Bool(false);
            default -> none();
        };
    }

    /** Removes the characters that {@link Console} uses for styles. */
    private static String unreserved(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (ControlCharacterEscaper.reserved(text.charAt(i))) {
                return text.replaceAll("[\\uFDD0-\\uFDEF]", "\uFFFD");
            }
        }
        return text;
    }

    /** The JSON text on one line. */
    default String write() {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator =
                JsonFactory.builder().build().createGenerator(ObjectWriteContext.empty(), text)) {
            write(generator, this);
        }
        return text.toString();
    }

    private static void write(JsonGenerator generator, Json json) {
        switch (json) {
            case Obj(Map<String, Json> fields) -> {
                generator.writeStartObject();
                fields.forEach((name, value) -> {
                    generator.writeName(name);
                    write(generator, value);
                });
                generator.writeEndObject();
            }
            case Arr(List<Json> list) -> {
                generator.writeStartArray();
                list.forEach(item -> write(generator, item));
                generator.writeEndArray();
            }
            case Text(String value) -> generator.writeString(value);
            case Num(BigDecimal value) -> generator.writeNumber(value);
            case Bool(boolean value) -> generator.writeBoolean(value);
            case Null() -> generator.writeNull();
        }
    }
}
