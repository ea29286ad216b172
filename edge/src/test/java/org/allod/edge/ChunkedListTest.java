package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Lists and maps that share what has not changed with the ones before. */
class ChunkedListTest {
    private record Member(int key, int turn) {}

    private static ChunkedList<Member> members(int count) {
        Map<Integer, List<Member>> all = new HashMap<>();
        for (int i = 0; i < count; i++) {
            all.put(i, List.of(new Member(i, 0)));
        }
        return ChunkedList.<Member>empty().with(all, Member::key);
    }

    @Test
    void changes_atRandom_giveWhatASortedMapGives() {
        Random random = new Random(11);
        for (int keys : List.of(3, 400, 3_000)) {
            ChunkedList<Member> pieces = ChunkedList.empty();
            TreeMap<Integer, List<Member>> model = new TreeMap<>();
            for (int turn = 0; turn < 400; turn++) {
                Map<Integer, List<Member>> changes = new HashMap<>();
                int many = turn % 50 == 0 ? keys : 1 + random.nextInt(3);
                int most = turn < 200 ? 3 : turn < 300 ? 1 : 2;
                for (int i = 0; i < many; i++) {
                    int key = random.nextInt(keys);
                    List<Member> now = new ArrayList<>();
                    for (int e = random.nextInt(most + 1); e > 0; e--) {
                        now.add(new Member(key, turn));
                    }
                    changes.put(key, now);
                }
                pieces = pieces.with(changes, Member::key);
                model.putAll(changes);
                List<Member> all = model.values().stream().flatMap(List::stream).toList();
                assertThat(pieces).isEqualTo(all);
                assertThat(ChunkedList.of(all)).isEqualTo(all);
            }
        }
    }

    @Test
    void change_ofOneOfMany_touchesOnePiece() {
        ChunkedList<Member> before = members(100_000);
        ChunkedList<Member> after = before.with(Map.of(51_234, List.of(new Member(51_234, 1))), Member::key);
        List<Member> gone = new ArrayList<>();
        before.notIn(after, gone::add);
        List<Member> come = new ArrayList<>();
        after.notIn(before, come::add);
        assertThat(gone).hasSizeLessThanOrEqualTo(ChunkedList.MOST).contains(new Member(51_234, 0));
        assertThat(come).hasSize(gone.size()).contains(new Member(51_234, 1));

        List<Member> asked = new ArrayList<>();
        ChunkedList<String> names = before.compare(ChunkedList.empty(), ChunkedList.empty(), Member::toString);
        ChunkedList<String> next = after.compare(before, names, member -> {
            asked.add(member);
            return member.toString();
        });
        assertThat(asked).isEqualTo(come);
        assertThat(next).isEqualTo(after.stream().map(Member::toString).toList());
    }

    @Test
    void list_thatShrinks_keepsNoCrumbs() {
        ChunkedList<Member> pieces = members(10_000);
        for (int key = 0; key < 10_000; key++) {
            if (key % 100 != 0) {
                pieces = pieces.with(Map.of(key, List.of()), Member::key);
            }
        }
        assertThat(pieces).hasSize(100);
        ChunkedList<Member> again = pieces.with(Map.of(0, List.of(new Member(0, 1))), Member::key);
        List<Member> gone = new ArrayList<>();
        pieces.notIn(again, gone::add);
        assertThat(gone.size()).isBetween(ChunkedList.MOST / 32, ChunkedList.MOST);
    }

    @Test
    void spread_changesAtRandom_giveWhatAMapGives_andAskOnlyForWhatChanged() {
        Random random = new Random(3);
        PersistentMap<Integer> spread = PersistentMap.empty();
        PersistentMap<String> texts = PersistentMap.empty();
        Map<String, Integer> model = new HashMap<>();
        for (int turn = 0; turn < 500; turn++) {
            Map<String, Optional<Integer>> changes = new HashMap<>();
            for (int i = 0; i < 1 + random.nextInt(5); i++) {
                changes.put(
                        "app-" + random.nextInt(2_000),
                        random.nextInt(3) == 0 ? Optional.empty() : Optional.of(random.nextInt()));
            }
            changes.forEach((name, value) -> value.ifPresentOrElse(v -> model.put(name, v), () -> model.remove(name)));
            PersistentMap<Integer> next = spread.with(changes);
            int[] asked = {0};
            texts = next.compare(spread, texts, (name, was, is, before) -> {
                asked[0]++;
                assertThat(before).isEqualTo(was == null ? null : was.toString());
                return is == null ? null : is.toString();
            });
            spread = next;
            Map<String, Integer> all = new HashMap<>();
            spread.forEach(all::put);
            assertThat(all).isEqualTo(model);
            Map<String, String> written = new HashMap<>();
            texts.forEach(written::put);
            Map<String, String> expected = new HashMap<>();
            model.forEach((name, value) -> expected.put(name, value.toString()));
            assertThat(written).isEqualTo(expected);
            assertThat(asked[0]).isLessThan(200);
        }
        assertThat(spread.get("nobody")).isNull();
    }
}
