package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.throwable;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.base.VirtualTime;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeasesTest {
    private static final MachineId ID = MachineId.of(1);
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final Leases.LeaseRequest TEN = new Leases.LeaseRequest(Duration.ofSeconds(10), "me", "deploying");

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(START);
    private Database database;
    private Leases leases;

    @BeforeEach
    void open() {
        database = Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(MachineSchema.SCHEMA));
        leases = new Leases(new LeaseTable(database), time, id -> true);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private static void conflict(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String says) {
        assertThatThrownBy(call)
                .asInstanceOf(throwable(RejectedException.class))
                .satisfies(e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.CONFLICT))
                .hasMessageContaining(says);
    }

    @Test
    void lease_ofAnother_isRefusedUntilItEnds() {
        Lease first = leases.take(ID, Optional.empty(), TEN);
        assertThat(first.term()).isEqualTo(1);
        assertThat(first.expires()).isEqualTo(START.plusSeconds(10));
        conflict(
                () -> leases.take(ID, Optional.empty(), TEN), "is leased by me until 2026-01-01T00:00:10Z (deploying)");
        time.advance(Duration.ofSeconds(10));
        assertThat(leases.of(ID)).isEmpty();
        Lease second = leases.take(ID, Optional.empty(), TEN);
        assertThat(second.term()).isEqualTo(2);
        assertThat(second.nonce()).isNotEqualTo(first.nonce()).hasSize(16);
    }

    @Test
    void refresh_byItsNonce_lastsLongerAndKeepsNonceAndTerm() {
        Lease first = leases.take(ID, Optional.empty(), TEN);
        time.advance(Duration.ofSeconds(6));
        Lease again = leases.take(ID, Optional.of(first.nonce()), TEN);
        assertThat(again.nonce()).isEqualTo(first.nonce());
        assertThat(again.term()).isEqualTo(first.term());
        assertThat(again.expires()).isEqualTo(START.plusSeconds(16));
    }

    @Test
    void refresh_afterTheEnd_isRefused_evenWhereNobodyElseTookIt() {
        Lease first = leases.take(ID, Optional.empty(), TEN);
        time.advance(Duration.ofSeconds(10));
        conflict(() -> leases.take(ID, Optional.of(first.nonce()), TEN), "has ended");
        conflict(() -> leases.check(ID, new Actor.Client("me", Optional.of(first.nonce()))), "has ended");
        leases.check(ID, Actor.client("me"));
    }

    @Test
    void fence_letsOnlyTheHolderAndTheHostThrough() {
        Lease lease = leases.take(ID, Optional.empty(), TEN);
        leases.check(ID, new Actor.Client("me", Optional.of(lease.nonce())));
        leases.check(ID, new Actor.Host("edge"));
        conflict(() -> leases.check(ID, Actor.client("me")), "is leased by me");
        conflict(() -> leases.check(ID, new Actor.Client("you", Optional.of("0"))), "is leased by me");
        time.advance(Duration.ofSeconds(10));
        leases.check(ID, Actor.client("you"));
    }

    @Test
    void release_byTheHolderOnly_andOnce() {
        Lease lease = leases.take(ID, Optional.empty(), TEN);
        conflict(() -> leases.release(ID, "0"), "is not that of the lease");
        leases.release(ID, lease.nonce());
        assertThat(leases.of(ID)).isEmpty();
        assertThatThrownBy(() -> leases.release(ID, lease.nonce())).hasMessageContaining("lease not found");
        assertThat(leases.take(ID, Optional.empty(), TEN).term()).isEqualTo(2);
    }

    @Test
    void lease_outlivesTheDaemon_andNotItsTime() {
        Lease lease = leases.take(ID, Optional.empty(), TEN);
        time.advance(Duration.ofSeconds(4));
        Leases after = new Leases(new LeaseTable(database), time, id -> true);
        assertThat(after.of(ID)).contains(lease);
        time.advance(Duration.ofSeconds(6));
        assertThat(after.of(ID)).isEmpty();
        assertThat(after.take(ID, Optional.empty(), TEN).term()).isEqualTo(2);
        // Of a machine that is gone nothing stays.
        new Leases(new LeaseTable(database), time, id -> false);
        assertThat(new LeaseTable(database).all()).isEmpty();
    }

    @Test
    void clock_setBack_makesNoLeaseLastLonger() {
        AtomicInteger shift = new AtomicInteger();
        Clock crooked = new Clock() {
            @Override
            public Instant wall() {
                return time.wall().plusSeconds(shift.get());
            }

            @Override
            public long monoNanos() {
                return time.monoNanos();
            }
        };
        Leases there = new Leases(new LeaseTable(database), crooked, id -> true);
        there.take(ID, Optional.empty(), TEN);
        shift.set(-3_600);
        time.advance(Duration.ofSeconds(10));
        assertThat(there.of(ID)).isEmpty();
        // Set back while no daemon ran: at most what was granted is left.
        there.take(ID, Optional.empty(), TEN);
        shift.set(-7_200);
        Leases after = new Leases(new LeaseTable(database), crooked, id -> true);
        assertThat(after.of(ID)).isPresent();
        time.advance(Duration.ofSeconds(10));
        assertThat(after.of(ID)).isEmpty();
    }

    @Test
    void clock_setForwardAndBack_makesNoLeaseOutliveIt() {
        // Ten hours ahead, a lease is taken; back again: it holds its ten seconds and no more.
        time.step(Duration.ofHours(10));
        Lease ahead = leases.take(ID, Optional.empty(), TEN);
        assertThat(ahead.expires()).isEqualTo(time.wall().plusSeconds(10));
        time.step(Duration.ofHours(-10));
        assertThat(leases.of(ID).orElseThrow().expires()).isEqualTo(time.wall().plusSeconds(10));
        time.advance(Duration.ofSeconds(10));
        assertThat(leases.of(ID)).isEmpty();
        // One taken before is not cut short by it either.
        leases.take(ID, Optional.empty(), TEN);
        time.step(Duration.ofHours(10));
        time.advance(Duration.ofSeconds(9));
        assertThat(leases.of(ID)).isPresent();
        time.advance(Duration.ofSeconds(1));
        assertThat(leases.of(ID)).isEmpty();
        // Nor is what is left over a restart ever more than was granted.
        leases.take(ID, Optional.empty(), TEN);
        time.step(Duration.ofHours(-10));
        Leases after = new Leases(new LeaseTable(database), time, id -> true);
        assertThat(after.of(ID)).isPresent();
        time.advance(Duration.ofSeconds(10));
        assertThat(after.of(ID)).isEmpty();
    }

    @Test
    void change_beingAccepted_keepsALeaseWaiting() throws Exception {
        CompletableFuture<Void> inside = new CompletableFuture<>();
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        List<String> order = new ArrayList<>();
        Thread change = Thread.ofVirtual()
                .start(() -> leases.withLease(ID, Actor.client("you"), () -> {
                    inside.complete(null);
                    goOn.join();
                    order.add("accepted");
                    return 0;
                }));
        inside.join();
        Thread taker = Thread.ofVirtual().start(() -> {
            leases.take(ID, Optional.empty(), TEN);
            order.add("leased");
        });
        taker.join(Duration.ofMillis(100));
        assertThat(leases.of(ID)).isEmpty();
        goOn.complete(null);
        change.join();
        taker.join();
        assertThat(order).containsExactly("accepted", "leased");
    }

    @Test
    void everyVerb_withoutTheNonce_isFenced_andWithItIsNot() throws Exception {
        try (TestMachineModule room =
                new TestMachineModule(folder.resolve("room").toFile().mkdir() ? folder.resolve("room") : folder)) {
            Machine m = room.create(true, Optional.of(TEN));
            Lease lease = room.machines.leases().of(m.id()).orElseThrow();
            Actor.Client other = new Actor.Client("you", Optional.empty());
            Machines.UpdateRequest change = new Machines.UpdateRequest(
                    TestHost.config("{\"image\":\"web\",\"env\":{\"A\":\"1\"}}"),
                    Optional.empty(),
                    true,
                    Optional.empty());
            conflict(() -> room.machines.start(m, other), "is leased");
            conflict(() -> room.machines.stop(m, Optional.empty(), Optional.empty(), other), "is leased");
            conflict(() -> room.machines.restart(m, Optional.empty(), Optional.empty(), other), "is leased");
            conflict(() -> room.machines.suspend(m, other), "is leased");
            conflict(() -> room.machines.update(m, change, other), "is leased");
            conflict(() -> room.machines.destroy(m, true, other), "is leased");
            conflict(() -> room.machines.cordon(m, true, other), "is leased");
            conflict(() -> room.machines.signal(m, 15, other), "is leased");
            conflict(
                    () -> room.machines.metadata(
                            m, new MetadataPatch(java.util.Map.of("k", Optional.of("v")), Optional.empty()), other),
                    "is leased");
            conflict(() -> room.machines.deleteApp("app", true, other), "is leased");
            assertThat(room.machines.find(m.id())).contains(m);

            Actor.Client holder = new Actor.Client("me", Optional.of(lease.nonce()));
            Machine updated = room.machines.update(m, change, holder);
            assertThat(updated.version()).isGreaterThan(m.version());
            room.settled(updated);
            room.machines.stop(updated, Optional.empty(), Optional.empty(), new Actor.Host("edge"));
            room.machines.destroy(updated, true, holder);
        }
    }

    /** As a disk that is full refuses to: the start goes on, and they are forgotten once they can be. */
    @Test
    void start_thatCannotForgetLeasesOfMachinesThatAreGone_goesOn() {
        leases.take(ID, Optional.empty(), TEN);
        database.write(tx -> tx.update(
                "CREATE TRIGGER planted BEFORE DELETE ON machine_lease BEGIN SELECT RAISE(ABORT, 'planted'); END"));
        LeaseTable table = new LeaseTable(database);
        Leases after = new Leases(table, time, id -> false);
        assertThat(after.of(ID)).isEmpty();
        assertThat(table.all()).hasSize(1);
        database.write(tx -> tx.update("DROP TRIGGER planted"));
        Poll.until(
                Duration.ofSeconds(20),
                Duration.ofMillis(5),
                "the row to go",
                () -> table.all().isEmpty());
    }
}
