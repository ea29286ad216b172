package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An app is deleted with all that is in it, or not: nothing is accepted for it that would be there without it. */
class AppDeletionTest {
    private static final Actor.Client ME = new Actor.Client("me", Optional.empty());

    @TempDir
    Path folder;

    private TestMachineModule room;

    @BeforeEach
    void open() {
        room = new TestMachineModule(folder);
    }

    @AfterEach
    void close() {
        room.close();
    }

    private Machine create(String app) throws InterruptedException {
        return room.machines.create(
                app,
                new MachineCreator.Request(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        false,
                        Optional.empty(),
                        TestHost.config("{\"image\":\"web\"}")));
    }

    /** Whether it was done; else it was refused. */
    private static FutureTask<Boolean> begin(CyclicBarrier together, FutureTask<?> work) {
        FutureTask<Boolean> task = new FutureTask<>(() -> {
            together.await(10, TimeUnit.SECONDS);
            work.run();
            try {
                var _ = work.get();
                return true;
            } catch (java.util.concurrent.ExecutionException e) {
                assertThat(e.getCause()).isInstanceOf(RejectedException.class);
                return false;
            }
        });
        Thread.ofVirtual().start(task);
        return task;
    }

    @Test
    void machine_madeAsItsAppIsDeleted_isRefused_orKeepsTheApp() throws Exception {
        for (int i = 0; i < 60; i++) {
            String app = "short-" + i;
            room.machines.createApp(app, Optional.empty());
            CyclicBarrier together = new CyclicBarrier(2);
            FutureTask<Boolean> made = begin(together, new FutureTask<>(() -> create(app)));
            FutureTask<Boolean> deleted = begin(together, new FutureTask<>(() -> {
                room.machines.deleteApp(app, false, ME);
                return app;
            }));
            assertThat(made.get(10, TimeUnit.SECONDS)).as(app).isNotEqualTo(deleted.get(10, TimeUnit.SECONDS));
        }
        List<String> apps = room.machines.apps().stream().map(App::name).toList();
        assertThat(room.machines.all()).allSatisfy(m -> assertThat(apps).contains(m.app()));
    }

    @Test
    void work_withinAnApp_isWaitedForByItsDeletion() throws Exception {
        CountDownLatch in = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FutureTask<String> work = new FutureTask<>(() -> room.machines.within("app", () -> {
            in.countDown();
            assertThat(go.await(10, TimeUnit.SECONDS)).isTrue();
            return room.machines.app("app").name();
        }));
        Thread.ofVirtual().start(work);
        assertThat(in.await(10, TimeUnit.SECONDS)).isTrue();
        FutureTask<Boolean> deletion = begin(new CyclicBarrier(1), new FutureTask<>(() -> {
            room.machines.deleteApp("app", false, ME);
            return true;
        }));
        go.countDown();
        assertThat(work.get(10, TimeUnit.SECONDS)).isEqualTo("app");
        assertThat(deletion.get(10, TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(() -> room.machines.within("app", () -> 1)).hasMessageContaining("there is no app app");
    }

    /** Its machines take their time to go, and nothing new comes meanwhile. */
    @Test
    void app_beingDeletedByForce_takesNothingNew() throws Exception {
        Machine m = room.settled(create("app"));
        CountDownLatch booting = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        room.runtime.beforeBoot = () -> {
            booting.countDown();
            // Whatever calls it off: a boot that does not listen.
            for (boolean open = false; !open; ) {
                try {
                    open = go.await(20, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    open = false;
                }
            }
        };
        room.machines.start(m, ME);
        assertThat(booting.await(10, TimeUnit.SECONDS)).isTrue();
        FutureTask<Boolean> deletion = begin(new CyclicBarrier(1), new FutureTask<>(() -> {
            room.machines.deleteApp("app", true, ME);
            return true;
        }));
        org.allod.base.Poll.until(
                java.time.Duration.ofSeconds(10), java.time.Duration.ofMillis(5), "the app's being shut", () -> {
                    try {
                        return room.machines.within("app", () -> false);
                    } catch (RejectedException e) {
                        return e.getMessage().contains("is being deleted");
                    }
                });
        assertThatThrownBy(() -> create("app")).hasMessageContaining("app app is being deleted");
        assertThatThrownBy(() -> room.machines.deleteApp("app", true, ME))
                .hasMessageContaining("is being deleted already");
        go.countDown();
        assertThat(deletion.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(room.machines.all()).isEmpty();
        assertThat(room.machines.createApp("app", Optional.empty()).name()).isEqualTo("app");
        assertThat(room.settled(create("app")).app()).isEqualTo("app");
    }
}
