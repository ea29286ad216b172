package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;
import org.junit.jupiter.api.Test;

/**
 * Catalogs that share parts with the previous one: unchanged parts are untouched, changed ones are updated, and removed
 * ones end.
 */
class PublishTest {
    private static final int PORT = 80;
    private static final int MANY = 3_000;

    private static Catalog with(Catalog before, String route, Map<MachineId, List<Backend>> changes) {
        CatalogApp app = before.apps().get(route);
        ChunkedList<Backend> backends = app == null ? ChunkedList.empty() : app.backends();
        CatalogApp next = new CatalogApp("hello", backends.with(changes, Backend::id), HttpOptions.USUAL, Statics.NONE);
        return new Catalog(before.apps().with(Map.of(route, Optional.of(next))), before.doors());
    }

    private static Catalog many() {
        Map<MachineId, List<Backend>> all = new HashMap<>();
        for (int i = 0; i < MANY; i++) {
            all.put(MachineId.of(i), List.of(Rig.stopped(MachineId.of(i), PORT)));
        }
        return with(Catalog.EMPTY, "hello", all);
    }

    private static AppRoute route(Rig rig, String name) {
        return java.util.Objects.requireNonNull(rig.edge.routes().byApp().get(name));
    }

    @Test
    void change_ofOneMachine_leavesTheLivesOfTheOthers_andTheirAppsAlone() {
        try (Rig rig = new Rig()) {
            Catalog first = many();
            Catalog two = with(first, "other", Map.of(Rig.ONE, List.of(Rig.running(Rig.ONE, 90))));
            rig.edge.publish(two);
            AppRoute before = route(rig, "hello");
            AppRoute other = route(rig, "other");
            MachineId id = MachineId.of(1_234);
            rig.edge.publish(with(two, "hello", Map.of(id, List.of(Rig.running(id, PORT)))));
            AppRoute after = route(rig, "hello");
            assertThat(after.size()).isEqualTo(MANY);
            for (int i = 0; i < MANY; i++) {
                assertThat(after.lives().get(i)).isSameAs(before.lives().get(i));
                assertThat(after.lives().get(i).id).isEqualTo(after.backend(i).id());
            }
            assertThat(after.backend(1_234).state()).isEqualTo(Backend.State.RUNNING);
            assertThat(after.room()).isSameAs(before.room());
            assertThat(route(rig, "other")).isSameAs(other);
        }
    }

    @Test
    void wake_thatIsNewerThanTheCatalog_holdsUntilTheMachineItselfHasNews() {
        try (Rig rig = new Rig()) {
            Catalog first = many();
            rig.edge.publish(first);
            BackendState backendState = rig.edge.lives(Rig.TWO).getFirst();
            backendState.wokenBackend(Rig.running(Rig.TWO, PORT));
            Catalog second = with(first, "hello", Map.of(Rig.ONE, List.of(Rig.running(Rig.ONE, PORT))));
            rig.edge.publish(second);
            assertThat(backendState.wokenBackend()).isNotNull();
            rig.edge.publish(with(second, "hello", Map.of(Rig.TWO, List.of(Rig.stopped(Rig.TWO, PORT)))));
            assertThat(backendState.wokenBackend()).isNull();
        }
    }

    @Test
    void machine_thatTwoWaysLeadTo_isDrainedOnceNoneDoes() {
        try (Rig rig = new Rig()) {
            List<Backend> one = List.of(Rig.running(Rig.ONE, PORT));
            Catalog both = with(with(many(), "hello", Map.of(Rig.ONE, one)), "hello:443", Map.of(Rig.ONE, one));
            rig.edge.publish(both);
            BackendState backendState = rig.edge.lives(Rig.ONE).getFirst();
            assertThat(rig.edge.lives(Rig.ONE)).hasSize(1);
            assertThat(route(rig, "hello:443").lives()).containsExactly(backendState);

            Catalog without = with(both, "hello", Map.of(Rig.ONE, List.of()));
            rig.edge.publish(without);
            assertThat(backendState.draining()).isFalse();
            assertThat(rig.edge.lives(Rig.ONE)).containsExactly(backendState);

            rig.edge.publish(new Catalog(without.apps().with(Map.of("hello:443", Optional.empty())), List.of()));
            assertThat(backendState.draining()).isTrue();
            assertThat(rig.edge.lives(Rig.ONE)).isEmpty();
            assertThat(rig.edge.routes().byApp().get("hello:443")).isNull();
            assertThat(route(rig, "hello").size()).isEqualTo(MANY - 1);
        }
    }

    @Test
    void machine_withPortsOfItsOwn_hasALifeForEach_andLosesThemOneByOne() {
        try (Rig rig = new Rig()) {
            List<Backend> two = List.of(Rig.running(Rig.ONE, 80), Rig.running(Rig.ONE, 81));
            Catalog first = with(many(), "hello", Map.of(Rig.ONE, two));
            rig.edge.publish(first);
            List<BackendState> lives = new ArrayList<>(rig.edge.lives(Rig.ONE));
            assertThat(lives).hasSize(2).doesNotHaveDuplicates();
            rig.edge.publish(with(first, "hello", Map.of(Rig.ONE, two.subList(1, 2))));
            assertThat(rig.edge.lives(Rig.ONE)).hasSize(1);
            lives.removeAll(rig.edge.lives(Rig.ONE));
            assertThat(lives.getFirst().draining()).isTrue();
            assertThat(rig.edge.lives(Rig.ONE).getFirst().draining()).isFalse();
        }
    }
}
