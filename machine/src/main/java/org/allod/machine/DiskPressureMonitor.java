package org.allod.machine;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.allod.base.LoopFailures;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.SupervisedTask;
import org.allod.base.SupervisedThread;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;
import org.allod.runtime.Guest;

/**
 * Measures the disk and carries out what {@link DiskPolicy} decides. It reads the free space twice a second, and the
 * layers of running machines every ten seconds, more often when space is low. Safe for any thread; readings are
 * serialized.
 */
public final class DiskPressureMonitor implements DiskAdmission, AutoCloseable {
    private static final System.Logger LOG = System.getLogger("allod.machine");
    private static final Duration EVERY = Duration.ofMillis(500);
    private static final long MIB = 1L << 20;
    private static final int TOLD = 20;

    /** Stops a machine at once and records why. */
    interface Ender {
        void end(Machine machine, String why) throws InterruptedException;
    }

    private final DiskSpace space;
    private final DiskBounds bounds;
    private final MachineIndex index;
    private final GuestRegistry guests;
    private final LongSupplier volumes;
    private final SupervisedTimer timer;
    private final AtomicLong stops = new AtomicLong();
    private volatile DiskPolicy.State state = DiskPolicy.State.FIRST;
    private volatile Map<MachineId, Long> held = Map.of();
    private volatile long volumesOutstanding;
    private volatile Ender ender = (machine, why) -> {};
    private int sinceRead = Integer.MAX_VALUE;

    /** @param volumes bytes that volumes may still come to take */
    DiskPressureMonitor(
            DiskSpace space,
            DiskBounds bounds,
            MachineIndex index,
            GuestRegistry guests,
            LongSupplier volumes,
            Timers timers) {
        this.space = space;
        this.bounds = bounds;
        this.index = index;
        this.guests = guests;
        this.volumes = volumes;
        this.timer = new SupervisedTimer("disk-keeper", timers, EVERY, this::look);
    }

    /** Sets what stops a machine. Called once, before the first reading. */
    void endsBy(Ender who) {
        ender = who;
    }

    /** Starts measuring, with a first reading at once. */
    public void start() {
        // A first look that fails, as on a disk that is full, is reported and followed by the timer's.
        SupervisedThread.run("disk-keeper", this::look);
        SupervisedTimer _ = timer.start();
    }

    @Override
    public void close() {
        timer.close();
    }

    /** Reads the disk once and acts on it. */
    synchronized void look() {
        long free = space.free();
        DiskBounds.Watermarks marks = bounds.on(space.total());
        boolean closing = free < marks.low();
        if (sinceRead++ >= looksBetween(state.level()) || (closing && state.level() == DiskLevel.OK)) {
            read();
            sinceRead = 1;
        }
        List<DiskPolicy.Layer> layers = new ArrayList<>();
        held.forEach((id, bytes) ->
                running(id).ifPresent(m -> layers.add(new DiskPolicy.Layer(id, bytes, bounds.promise(m.config())))));
        DiskPolicy.Decision decision = DiskPolicy.next(state, new DiskPolicy.Usage(free, marks, layers));
        state = decision.state();
        for (DiskPolicy.Action action : decision.actions()) {
            switch (action) {
                case DiskPolicy.Action.Tell(DiskLevel from, DiskLevel to) -> {
                    tell(from, to, free, marks);
                    if (from == DiskLevel.FULL) {
                        Thread _ = SupervisedThread.start("disk-room", this::goOn);
                    }
                }
                case DiskPolicy.Action.Stop(DiskPolicy.Layer layer) -> stop(layer, free);
            }
        }
    }

    /** After how many readings of the free space the layers are read: every ten seconds, two, and half a second. */
    private static int looksBetween(DiskLevel level) {
        return switch (level) {
            case OK -> 20;
            case LOW -> 4;
            case FULL -> 1;
        };
    }

    private Optional<Machine> running(MachineId id) {
        return index.get(id).filter(m -> Capacity.memoryOf(m) > 0);
    }

    private void read() {
        Map<MachineId, Long> now = new HashMap<>();
        for (Machine m : index.all()) {
            Optional<Guest> guest = Capacity.memoryOf(m) > 0 ? guests.held(m.id()) : Optional.empty();
            guest.map(this::layerOf).filter(bytes -> bytes >= 0).ifPresent(bytes -> now.put(m.id(), bytes));
        }
        held = Map.copyOf(now);
        volumesOutstanding = volumesNow();
    }

    /** What a guest's layer holds, or what it held when that could last be told: it must not count as nothing. */
    private long layerOf(Guest guest) {
        long last = held.getOrDefault(guest.machine(), -1L);
        try {
            long bytes = guest.diskBytes();
            return bytes >= 0 ? bytes : last;
        } catch (RuntimeException e) {
            LoopFailures.ofProcess().report("disk-layer", e);
            return last;
        }
    }

    /** What volumes may still take, or what was last known of it. */
    private long volumesNow() {
        try {
            return volumes.getAsLong();
        } catch (RuntimeException e) {
            LoopFailures.ofProcess().report("disk-volumes", e);
            return volumesOutstanding;
        }
    }

    private static void tell(DiskLevel from, DiskLevel to, long free, DiskBounds.Watermarks marks) {
        String consequence = switch (to) {
            case OK -> "machines are created and started again";
            case LOW -> "machines are neither created nor started until there is more";
            case FULL -> "who has written most beyond its promise is stopped";
        };
        LOG.log(
                to == DiskLevel.OK ? Level.INFO : Level.WARNING,
                "the disk was %s and is %s: %d MiB are free (low below %d, full below %d); %s"
                        .formatted(
                                from.wire(),
                                to.wire(),
                                free / MIB,
                                marks.low() / MIB,
                                marks.full() / MIB,
                                consequence));
    }

    /** Lets guests continue that were paused because a write found the disk full. */
    private void goOn() {
        for (Machine m : index.all()) {
            if (Capacity.memoryOf(m) > 0) {
                guests.held(m.id()).ifPresent(this::goOn);
            }
        }
    }

    /** Until it has been told: nobody else lets it go on. Where the disk is full again, the next room tells it. */
    private void goOn(Guest guest) {
        Thread _ = SupervisedTask.start(
                "disk-room",
                "disk-room " + guest.machine(),
                () -> state.level() != DiskLevel.FULL
                        && guests.held(guest.machine()).filter(guest::equals).isPresent(),
                guest::diskHasRoom);
    }

    private void stop(DiskPolicy.Layer layer, long free) {
        running(layer.machine()).ifPresent(m -> {
            stops.incrementAndGet();
            String why =
                    "disk_full: the host's disk has %d MiB left, and the machine's writable layer takes %d MiB, %d more than the %d it is promised; keep data in a volume, or write less"
                            .formatted(free / MIB, layer.held() / MIB, layer.beyond() / MIB, layer.promised() / MIB);
            LOG.log(Level.WARNING, "machine " + m.id() + " of app " + m.app() + " is stopped: " + why);
            // On a thread of its own, because stopping takes a moment and the disk must be read meanwhile.
            Thread _ = SupervisedThread.start("disk-stop", "disk-stop " + m.id(), () -> end(m, why));
        });
    }

    /** Stops a machine because the disk is full; tests call it directly. */
    void end(Machine m, String why) {
        try {
            ender.end(m, why);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public long promise(MachineConfig config) {
        return bounds.promise(config);
    }

    @Override
    public long held(MachineId machine) {
        return held.getOrDefault(machine, 0L);
    }

    @Override
    public void admit(long wanted, long outstanding) {
        long free = space.free();
        DiskBounds.Watermarks marks = bounds.on(space.total());
        String remedy =
                "`allod doctor` says who uses what: stop or destroy machines, delete volumes, snapshots or images,"
                        + " or use another host";
        if (free < marks.low()) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "could not reserve resource for machine: the host's disk is nearly full: %d MiB are free, and below %d MiB nothing is created, started or suspended"
                            .formatted(free / MIB, marks.low() / MIB),
                    remedy);
        }
        volumesOutstanding = volumesNow();
        long promised = outstanding + volumesOutstanding;
        if (wanted > 0 && wanted > free - marks.low() - promised) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "could not reserve resource for machine: insufficient disk: it may come to take %d MiB, and of %d MiB free other machines and volumes may still take %d MiB and %d MiB are the host's own"
                            .formatted(wanted / MIB, free / MIB, promised / MIB, marks.low() / MIB),
                    remedy);
        }
    }

    public DiskLevel level() {
        return state.level();
    }

    /** Bytes promised to running machines and not written yet. */
    long outstanding() {
        long sum = 0;
        for (Machine m : index.all()) {
            if (Capacity.memoryOf(m) > 0) {
                sum += Math.max(0, bounds.promise(m.config()) - held(m.id()));
            }
        }
        return sum;
    }

    public DiskUsageReport report() {
        List<DiskUsageReport.Use> uses = new ArrayList<>();
        held.forEach((id, bytes) -> running(id)
                .ifPresent(m ->
                        uses.add(new DiskUsageReport.Use(id, m.app(), m.name(), bytes, bounds.promise(m.config())))));
        uses.sort(Comparator.comparingLong(DiskUsageReport.Use::held).reversed());
        return new DiskUsageReport(
                state.level(),
                space.total(),
                space.free(),
                bounds.on(space.total()),
                outstanding(),
                volumesOutstanding,
                stops.get(),
                List.copyOf(uses.subList(0, Math.min(TOLD, uses.size()))));
    }
}
