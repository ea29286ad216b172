package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.RejectedException;

/**
 * Rate limits. Each caller has its own bucket, and as in the Machines API there are three more kinds: actions on one
 * machine or app, reads of one machine, and deletions of apps. Callers over the Unix socket are the host's operator and
 * are not limited.
 */
public final class RateLimits {
    private final Optional<TokenBuckets> callers;
    private final Optional<TokenBuckets> actions;
    private final Optional<TokenBuckets> reads;
    private final Optional<TokenBuckets> deletes;

    /** Allows {@code perSecond} on average, and {@code burst} at once. */
    public record Pace(double perSecond, int burst) {
        static Pace of(String name, String text) {
            String[] parts = text.split("/", -1);
            try {
                if (parts.length == 2) {
                    Pace pace = new Pace(Double.parseDouble(parts[0]), Integer.parseInt(parts[1]));
                    if (pace.perSecond > 0 && pace.perSecond <= 1e6 && pace.burst > 0 && pace.burst <= 1_000_000) {
                        return pace;
                    }
                }
            } catch (NumberFormatException e) {
                // Reported below.
            }
            throw RejectedException.invalid(
                    "the rate limit %s is \"%s\": it must be PER_SECOND/BURST, such as 1/3".formatted(name, text));
        }
    }

    /**
     * The limits; an empty one does not apply.
     *
     * @param caller all requests of one address
     * @param action one kind of action on one machine, or on one app if no machine is named
     * @param read showing one machine
     * @param deletes deletions of apps, in total
     */
    public record Paces(Optional<Pace> caller, Optional<Pace> action, Optional<Pace> read, Optional<Pace> deletes) {
        /** Decision 071 says why these differ from Fly's. */
        public static final Paces USUAL = new Paces(
                Optional.of(new Pace(500, 1_000)),
                Optional.of(new Pace(50, 150)),
                Optional.of(new Pace(250, 500)),
                Optional.of(new Pace(10, 100)));

        /** The limits in Fly's documentation of its API. */
        public static final Paces FLY = new Paces(
                Optional.of(new Pace(500, 1_000)),
                Optional.of(new Pace(1, 3)),
                Optional.of(new Pace(5, 10)),
                Optional.of(new Pace(100 / 60.0, 100)));

        public static final Paces OFF =
                new Paces(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

        /**
         * Parses {@code usual}, {@code fly}, {@code off}, or individual limits that override the usual ones: {@code
         * action=1/3,read=off}.
         */
        public static Paces parse(String text) {
            Paces paces = USUAL;
            for (String word : text.split(",", 10)) {
                paces = switch (word) {
                    case "usual" -> USUAL;
                    case "fly" -> FLY;
                    case "off" -> OFF;
                    default -> paces.with(word);
                };
            }
            return paces;
        }

        private Paces with(String word) {
            int at = word.indexOf('=');
            String name = at < 0 ? word : word.substring(0, at);
            String value = at < 0 ? "" : word.substring(at + 1);
            Optional<Pace> pace =
                    value.equals("off") ? Optional.empty() : Optional.of(value).map(v -> Pace.of(name, v));
            return switch (name) {
                case "caller" -> new Paces(pace, action, read, deletes);
                case "action" -> new Paces(caller, pace, read, deletes);
                case "read" -> new Paces(caller, action, pace, deletes);
                case "deletes" -> new Paces(caller, action, read, pace);
                default ->
                    throw RejectedException.invalid(
                            "a rate limit is \"%s\": allowed are usual, fly, off, and caller, action, read and deletes "
                                            .formatted(word)
                                    + "with a value such as action=1/3");
            };
        }
    }

    public RateLimits(Clock clock, Paces paces) {
        callers = paces.caller().map(p -> new TokenBuckets(clock, p.perSecond(), p.burst()));
        actions = paces.action().map(p -> new TokenBuckets(clock, p.perSecond(), p.burst()));
        reads = paces.read().map(p -> new TokenBuckets(clock, p.perSecond(), p.burst()));
        deletes = paces.deletes().map(p -> new TokenBuckets(clock, p.perSecond(), p.burst()));
    }

    /** Takes a token from the caller's bucket, before the request is examined. */
    Optional<Duration> take(Caller caller) {
        return caller instanceof Caller.Local ? Optional.empty() : callers.flatMap(l -> l.take(caller.name()));
    }

    /** Takes a token for the specific endpoint, once it is known. */
    Optional<Duration> take(Caller caller, Endpoint endpoint, Map<String, String> parameters) {
        if (caller instanceof Caller.Local || !parameters.containsKey("app_name")) {
            return Optional.empty();
        }
        List<String> key = new ArrayList<>(List.of(endpoint.operation(), parameters.get("app_name")));
        Optional.ofNullable(parameters.get("machine_id")).ifPresent(key::add);
        String subject = String.join(" ", key);
        if (endpoint.operation().equals("Machines_show")) {
            return reads.flatMap(l -> l.take(subject));
        }
        if (endpoint.operation().equals("Apps_delete")) {
            return deletes.flatMap(l -> l.take(""));
        }
        // Lists, waits and the like count only against their caller's limit.
        return endpoint.method().equals(HttpMethod.GET) ? Optional.empty() : actions.flatMap(l -> l.take(subject));
    }
}
