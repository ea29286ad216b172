package org.allod.machine;

import java.nio.file.Path;
import java.util.Map;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.SupervisedTask;
import org.allod.base.Timers;
import org.allod.fsm.Engine;
import org.allod.image.ImageStore;
import org.allod.runtime.GuestRuntime;
import org.allod.store.Database;

/**
 * Builds this room by hand, in order. The daemon opens it, lets the engine resume, and then begins to serve:
 *
 * <pre>{@code
 * MachineRoom room = MachineRoom.build(…);   // registers the run types
 * room.recover();                            // removes orphans, resumes runs, adopts guests
 * room.machines();                           // the door
 * }</pre>
 */
public final class MachineRoom {
    /** The engine's queue of runs that wait for a machine's run to end instead of being refused; give it a cap. */
    public static final String INSISTED = "machine.insisted";

    private final Machines machines;
    private final Volumes volumes;
    private final Supervisor supervisor;
    private final VolumeRecovery recovery;
    private final VolumeKeeper keeper;
    private final DiskKeeper disk;
    private final Schedules schedules;
    private final Runs runs;
    private final Engine engine;

    private MachineRoom(
            Machines machines,
            Volumes volumes,
            Supervisor supervisor,
            VolumeRecovery recovery,
            VolumeKeeper keeper,
            DiskKeeper disk,
            Schedules schedules,
            Runs runs,
            Engine engine) {
        this.machines = machines;
        this.volumes = volumes;
        this.supervisor = supervisor;
        this.recovery = recovery;
        this.keeper = keeper;
        this.disk = disk;
        this.schedules = schedules;
        this.runs = runs;
        this.engine = engine;
    }

    /** What the room stands on. */
    public record Ground(Database database, Engine engine, Clock clock, Timers timers, Ids ids) {}

    /**
     * Where volumes are.
     *
     * @param data the daemon's folder; best on a file system that can share blocks between files
     * @param keys of encrypted volumes
     * @param bounds how its disk is promised to machines
     */
    public record Storage(Path data, KeySource keys, DiskBounds bounds) {
        /** With the disk promised as usual. */
        public Storage(Path data, KeySource keys) {
            this(data, keys, DiskBounds.USUAL);
        }
    }

    /** A room whose machines have no secrets. */
    public static MachineRoom build(
            Ground ground,
            ImageStore images,
            Map<String, GuestRuntime> runtimes,
            Traffic traffic,
            Capacity capacity,
            Creation.Settings settings,
            Storage storage) {
        return build(ground, images, runtimes, traffic, SecretSource.NONE, capacity, settings, storage, RawPorts.USUAL);
    }

    /** @param rawPorts ports of the edge that apps' tokens may have */
    public static MachineRoom build(
            Ground ground,
            ImageStore images,
            Map<String, GuestRuntime> runtimes,
            Traffic traffic,
            SecretSource secrets,
            Capacity capacity,
            Creation.Settings settings,
            Storage storage,
            RawPorts rawPorts) {
        Clock clock = ground.clock();
        Book book = new Book();
        MachineTable table = new MachineTable(ground.database());
        table.living().forEach(book::put);
        book.all().forEach(m -> ground.ids().after(m.version()));
        table.newestEvent().ifPresent(ground.ids()::after);
        Ledger ledger = new Ledger(table, book, clock, ground.ids());
        VolumeBook volumeBook = new VolumeBook(new VolumeTable(ground.database()));
        VolumeFiles files = new VolumeFiles(storage.data());
        VolumeUse use = new VolumeUse(volumeBook, files, storage.keys());
        Attachments attachments = new Attachments(volumeBook, use, book, clock);
        Boots boots = new Boots(images, runtimes, secrets, settings.fleet(), use);
        Guests guests = new Guests(boots);
        BootAdmission admission = new BootAdmission(BootAdmission.bound(capacity.cpus()), ground.timers());
        GuestSteps steps = new GuestSteps(ledger, book, boots, guests, traffic, admission, clock);
        Lifecycle lifecycle =
                new Lifecycle(ledger, book, steps, boots, attachments::settle, Pause.on(ground.timers()), clock);
        lifecycle.types().forEach(ground.engine()::register);
        Leases leases = new Leases(
                new LeaseTable(ground.database()), clock, id -> book.get(id).isPresent());
        book.listen(m -> {
            if (m.state() == MachineState.DESTROYED) {
                leases.forget(m.id());
            }
        });
        Runs runs = new Runs(ground.engine(), ledger, book, lifecycle, leases, guests, clock);
        Overdue overdue = new Overdue(ground.timers(), ground.engine(), runs, ledger);
        book.listen(overdue::follow);
        book.all().forEach(overdue::follow);
        Supervisor supervisor = new Supervisor(runs, ledger, book, boots, guests, lifecycle);
        guests.supervisedBy(supervisor::ended);
        Checks checks = new Checks(
                clock,
                ground.timers(),
                CheckProbe.network(ground.timers()),
                id -> book.get(id).ifPresent(book::tell));
        book.listen(checks::follow);
        book.all().forEach(checks::follow);
        VolumeRuns volumeRuns = new VolumeRuns(volumeBook, files, use, storage.keys(), book, boots, guests, clock);
        volumeRuns.types().forEach(ground.engine()::register);
        AppTable apps = new AppTable(ground.database(), clock);
        Volumes volumes = new Volumes(
                ground.engine(),
                apps,
                volumeRuns,
                volumeBook,
                files,
                use,
                storage.keys(),
                book,
                guests,
                settings.region(),
                clock,
                ground.ids());
        // After the record says so: by then nothing of the machine is left that could write.
        book.listen(m -> {
            if (m.state() == MachineState.DESTROYED) {
                attachments.settle(m.id());
            }
        });
        Claims claims = new Claims(
                attachments,
                (app, name, size, encrypted) ->
                        volumes.create(apps.get(app), Volumes.Request.empty(name, size, encrypted)),
                volumes::delete);
        DiskKeeper disk = new DiskKeeper(
                DiskSpace.of(storage.data()),
                storage.bounds(),
                book,
                guests,
                () -> files.outstanding(volumeBook.all()),
                ground.timers());
        files.beside(disk::outstanding);
        Room room = new Room(capacity, disk, book);
        TenantRules tenants = new TenantRules(images, rawPorts, book);
        Machines machines = new Machines(
                runs,
                new Creation(
                        runs,
                        apps,
                        ledger,
                        book,
                        lifecycle,
                        room,
                        traffic,
                        claims,
                        tenants,
                        settings,
                        leases,
                        clock,
                        ground.ids()),
                new Updates(runs, ledger, book, lifecycle, leases, room, traffic, claims, tenants, clock, ground.ids()),
                book,
                table,
                apps,
                lifecycle,
                leases,
                new Waits(book, table),
                guests,
                boots,
                checks,
                room,
                volumes,
                admission);
        disk.endsBy(new DiskStop(machines, ledger, boots)::end);
        Schedules schedules =
                new Schedules(ground.engine(), book, ledger, clock, m -> machines.start(m, new Asker.Host("schedule")));
        ground.engine().register(schedules.type());
        book.listen(schedules::follow);
        VolumeRecovery recovery =
                new VolumeRecovery(ground.engine(), volumeRuns, volumeBook, files, storage.keys(), attachments, clock);
        VolumeKeeper keeper =
                new VolumeKeeper(volumes, volumeBook, files, use, storage.keys(), book, clock, ground.timers());
        return new MachineRoom(machines, volumes, supervisor, recovery, keeper, disk, schedules, runs, ground.engine());
    }

    /** Brings the host and the records together after a start. Blocks until done; machines keep running meanwhile. */
    public int recover() {
        supervisor.removeOrphans();
        int resumed = engine.resume(supervisor::underWay);
        supervisor.settle();
        // A host that cannot write now serves what it can, and does the rest once it can.
        SupervisedTask.hereOrLater("recover-volumes", () -> recovery.settle(runs));
        schedules.recover();
        return resumed;
    }

    public Machines machines() {
        return machines;
    }

    public Volumes volumes() {
        return volumes;
    }

    /** Looks after the disk once it is started. */
    public DiskKeeper disk() {
        return disk;
    }

    /** Looks after volumes once it is started. */
    public VolumeKeeper keeper() {
        return keeper;
    }
}
