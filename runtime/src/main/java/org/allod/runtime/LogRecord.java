package org.allod.runtime;

import java.io.StringWriter;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.allod.runtime.LogLine.Source;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * One line of a log file: a JSON object. {@code t} time, {@code s} source ({@code stdout}, {@code stderr}, {@code
 * host}), {@code m} the text, {@code p} true if the line continues, {@code e} the position just after it in the guest's
 * count, {@code k} the position up to which both streams are in the log. A record with {@code boot} instead identifies
 * the boot that the following positions belong to, and where both streams ({@code stdout}, {@code stderr}) stand.
 */
sealed interface LogRecord {
    /** A line of output and the position just after it; 0 for the host's own lines. */
    record Text(LogLine line, long end, long kept) implements LogRecord {}

    /** The boot that the following positions belong to. */
    record Boot(long boot, long stdout, long stderr, long kept) implements LogRecord {}

    JsonFactory JSON = new JsonFactory();

    /** The record as text, with its line end. */
    default String encode() {
        StringWriter out = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            switch (this) {
                case Text t -> {
                    json.writeStringProperty("t", t.line.time().toString());
                    json.writeStringProperty("s", t.line.source().name().toLowerCase(Locale.ROOT));
                    json.writeNumberProperty("e", t.end);
                    json.writeNumberProperty("k", t.kept);
                    if (t.line.partial()) {
                        json.writeBooleanProperty("p", true);
                    }
                    json.writeStringProperty("m", t.line.text());
                }
                case Boot b -> {
                    json.writeStringProperty("boot", Long.toHexString(b.boot));
                    json.writeNumberProperty("stdout", b.stdout);
                    json.writeNumberProperty("stderr", b.stderr);
                    json.writeNumberProperty("k", b.kept);
                }
            }
            json.writeEndObject();
        }
        return out.append('\n').toString();
    }

    /** Parses a line; empty if it is not a record, as the last one before a crash may be. */
    static Optional<LogRecord> decode(String text) {
        String time = "";
        String source = "";
        String message = "";
        String boot = "";
        boolean partial = false;
        long end = 0;
        long kept = 0;
        long stdout = 0;
        long stderr = 0;
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return Optional.empty();
            }
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "t" -> time = json.getString();
                    case "s" -> source = json.getString();
                    case "m" -> message = json.getString();
                    case "boot" -> boot = json.getString();
                    case "p" -> partial = json.getBooleanValue();
                    case "k" -> kept = json.getLongValue();
                    case "e" -> end = json.getLongValue();
                    case "stdout" -> stdout = json.getLongValue();
                    case "stderr" -> stderr = json.getLongValue();
                    default -> {
                        return Optional.empty();
                    }
                }
            }
            if (!boot.isEmpty()) {
                return Optional.of(new Boot(Long.parseUnsignedLong(boot, 16), stdout, stderr, kept));
            }
            Source from = Source.valueOf(source.toUpperCase(Locale.ROOT));
            return Optional.of(new Text(new LogLine(Instant.parse(time), from, message, partial), end, kept));
        } catch (JacksonException | DateTimeException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
