package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

/** Pages of a list that is read from beginning to end. */
class OrgPageTest {
    private static OrgPage.Item item(int id, long second) {
        return new OrgPage.Item(
                "m%03d".formatted(id), Instant.ofEpochSecond(second), "here", "started", MachineViews.JSON::objectNode);
    }

    private static OrgPage page(List<OrgPage.Item> all, Optional<OrgPage.Place> after, int limit) {
        return OrgPage.of(all, new OrgPage.Ask(after, "", Set.of(), limit));
    }

    @Test
    void walk_ofRandomItemsInPages_seesEachOnceAndInOrder() {
        Campaign.of("org-pages").play(1, OrgPageTest::walk);
    }

    private static void walk(long seed) {
        Random random = new Random(seed);
        List<OrgPage.Item> all = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            all.add(item(i, random.nextInt(20))); // many at the same moment
        }
        Collections.shuffle(all, random);
        List<String> seen = new ArrayList<>();
        Optional<OrgPage.Place> after = Optional.empty();
        Instant last = Instant.EPOCH;
        do {
            OrgPage page = page(all, after, 1 + random.nextInt(30));
            for (OrgPage.Item item : page.items()) {
                assertThat(item.updated()).isAfterOrEqualTo(last);
                last = item.updated();
                seen.add(item.id());
            }
            after = page.next().map(OrgPage.Place::parse);
        } while (after.isPresent());
        assertThat(seen).hasSize(200);
        assertThat(new HashSet<>(seen)).hasSize(200);
    }

    @Test
    void updatedAfter_leavesOutThatMoment() {
        List<OrgPage.Item> all = List.of(item(1, 10), item(2, 10), item(3, 11));
        OrgPage page = page(all, Optional.of(OrgPage.Place.after("1970-01-01T00:00:10Z")), 10);
        assertThat(page.items()).extracting(OrgPage.Item::id).containsExactly("m003");
        assertThat(page.next()).isEmpty();
    }

    @Test
    void page_thatIsFull_saysWhereItEnded() {
        var json = page(List.of(item(1, 10), item(2, 11)), Optional.empty(), 1).json("machine");
        assertThat(json.get("last_machine_id").stringValue()).isEqualTo("m001");
        assertThat(json.get("last_updated_at").stringValue()).isEqualTo("1970-01-01T00:00:10Z");
        assertThat(json.has("next_cursor")).isTrue();
        assertThat(page(List.of(item(1, 10)), Optional.empty(), 1).next()).isEmpty();
    }
}
