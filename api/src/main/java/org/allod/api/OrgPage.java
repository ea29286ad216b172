package org.allod.api;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Supplier;
import org.allod.base.RejectedException;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ObjectNode;

/**
 * One page of a listing across all apps, ordered by last change and then by id, so that a client that continues from
 * its last position sees every change. A page costs one pass over everything and memory only for itself.
 */
record OrgPage(List<Item> items, Optional<String> next) {
    static final int MOST = 1_000;

    private static final Comparator<Item> ORDER =
            Comparator.comparing(Item::updated).thenComparing(Item::id);

    /** One entry; its JSON is built only if it is on the page. */
    record Item(String id, Instant updated, String region, String state, Supplier<ObjectNode> view) {}

    /** The parsed query parameters. */
    record Ask(Optional<Place> after, String region, Set<String> states, int limit) {
        static final List<String> PARAMETERS =
                List.of("include_deleted", "region", "state", "summary", "updated_after", "cursor", "limit");

        /** @param known the states that a listed thing can have */
        static Ask of(ApiRequest request, List<String> known) {
            Optional<Place> after = request.query("cursor")
                    .map(Place::parse)
                    .or(() -> request.query("updated_after").map(Place::after));
            Set<String> states = Set.copyOf(request.list("state"));
            for (String state : states) {
                if (!known.contains(state)) {
                    throw RejectedException.invalid("state is \"%s\": allowed are %s"
                            .formatted(StrictJsonReader.clip(state), String.join(", ", known)));
                }
            }
            return new Ask(after, request.query("region").orElse(""), states, request.number("limit", 1, MOST, MOST));
        }

        private boolean wants(Item item) {
            return (region.isEmpty() || region.equals(item.region()))
                    && (states.isEmpty() || states.contains(item.state()))
                    && after.filter(place -> place.compareTo(item) >= 0).isEmpty();
        }
    }

    /** The position at which a page ended: the next entries are later, or equally late with a greater id. */
    record Place(Instant updated, String id) {
        int compareTo(Item item) {
            int time = updated.compareTo(item.updated());
            return time != 0 ? time : id.compareTo(item.id());
        }

        /** The position after everything at that moment. */
        static Place after(String text) {
            try {
                return new Place(OffsetDateTime.parse(text).toInstant(), "\uffff");
            } catch (DateTimeException e) {
                throw RejectedException.invalid(
                        "updated_after is \"%s\": it must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z"
                                .formatted(text.length() > 60 ? text.substring(0, 60) : text));
            }
        }

        static Place parse(String cursor) {
            try {
                String text = new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
                int space = text.indexOf(' ');
                return new Place(Instant.parse(text.substring(0, space)), text.substring(space + 1));
            } catch (IllegalArgumentException | DateTimeException | IndexOutOfBoundsException e) {
                throw RejectedException.invalid("cursor is not one that an answer gave as next_cursor");
            }
        }

        String text() {
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString((updated + " " + id).getBytes(StandardCharsets.UTF_8));
        }
    }

    static OrgPage of(Collection<Item> all, Ask ask) {
        // The head of the queue is the latest entry kept; an earlier one replaces it.
        PriorityQueue<Item> kept = new PriorityQueue<>(ORDER.reversed());
        boolean more = false;
        for (Item item : all) {
            if (ask.wants(item)) {
                kept.add(item);
                if (kept.size() > ask.limit()) {
                    var _ = kept.poll();
                    more = true;
                }
            }
        }
        List<Item> page = kept.stream().sorted(ORDER).toList();
        return new OrgPage(page, more ? last(page).map(i -> new Place(i.updated(), i.id()).text()) : Optional.empty());
    }

    private static Optional<Item> last(List<Item> page) {
        return page.isEmpty() ? Optional.empty() : Optional.of(page.getLast());
    }

    /** @param what {@code machine} or {@code volume} */
    ObjectNode json(String what) {
        ObjectNode body = MachineViews.JSON.objectNode();
        var list = body.putArray(what + "s");
        items.forEach(item -> list.add(item.view().get()));
        last(items)
                .ifPresent(item -> body.put("last_" + what + "_id", item.id())
                        .put("last_updated_at", item.updated().toString()));
        next.ifPresent(cursor -> body.put("next_cursor", cursor));
        return body;
    }
}
