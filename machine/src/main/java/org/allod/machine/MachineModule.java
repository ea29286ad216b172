package org.allod.machine;

import java.nio.file.Path;
import java.util.Map;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.SupervisedTask;
import org.allod.base.Timers;
import org.allod.fsm.Engine;
import org.allod.image.ImageStore;
import org.allod.runtime.GuestRuntime;
import org.allod.store.Database;

/**
 * Builds the objects of this room with plain constructors. The daemon builds it, lets it recover, and then serves:
 *
 * <pre>{@code
 * MachineModule module = MachineModule.build(…); // registers the run types
 * module.recover();                              // removes orphans, resumes runs, adopts guests
 * module.machines();                             // the facade
 * }</pre>
 */
public final class MachineModule {
    /** The engine's queue for forced destroys, which wait for the machine's active run to end; it needs a cap. */
    public static final String INSISTED = "machine.insisted";

    private final Machines machines;
    private final Volumes volumes;
    private final Reconciler reconciler;
    private final VolumeRecovery recovery;
    private final VolumeMaintenance maintenance;
    private final DiskPressureMonitor disk;
    private final MachineScheduler scheduler;
    private final LifecycleDispatcher dispatcher;
    private final Engine engine;

    private MachineModule(
            Machines machines,
            Volumes volumes,
            Reconciler reconciler,
            VolumeRecovery recovery,
            VolumeMaintenance keeper,
            DiskPressureMonitor disk,
            MachineScheduler scheduler,
            LifecycleDispatcher dispatcher,
            Engine engine) {
        this.machines = machines;
        this.volumes = volumes;
        this.reconciler = reconciler;
        this.recovery = recovery;
        this.maintenance = keeper;
        this.disk = disk;
        this.scheduler = scheduler;
        this.dispatcher = dispatcher;
        this.engine = engine;
    }

    /** What this room is built on. */
    public record Ground(Database database, Engine engine, Clock clock, Timers timers, IdGenerator ids) {}

    /**
     * Where volumes are kept.
     *
     * @param data the daemon's folder; best on a file system that can share blocks between files (reflink)
     * @param keys the keys of encrypted volumes
     * @param bounds how the disk is promised to machines
     */
    public record Storage(Path data, VolumeKeyStore keys, DiskBounds bounds) {
        /** With the default bounds. */
        public Storage(Path data, VolumeKeyStore keys) {
            this(data, keys, DiskBounds.USUAL);
        }
    }

    /** Builds it for machines without secrets. */
    public static MachineModule build(
            Ground ground,
            ImageStore images,
            Map<String, GuestRuntime> runtimes,
            TrafficDrain drain,
            Capacity capacity,
            MachineCreator.Settings settings,
            Storage storage) {
        return build(ground, images, runtimes, drain, SecretSource.NONE, capacity, settings, storage, RawPorts.USUAL);
    }

    /** @param rawPorts the ports of the edge that tokens of apps may ask for */
    public static MachineModule build(
            Ground ground,
            ImageStore images,
            Map<String, GuestRuntime> runtimes,
            TrafficDrain drain,
            SecretSource secrets,
            Capacity capacity,
            MachineCreator.Settings settings,
            Storage storage,
            RawPorts rawPorts) {
        Clock clock = ground.clock();
        MachineIndex index = new MachineIndex();
        MachineTable table = new MachineTable(ground.database());
        table.living().forEach(index::put);
        index.all().forEach(m -> ground.ids().after(m.version()));
        table.newestEvent().ifPresent(ground.ids()::after);
        MachineRecords records = new MachineRecords(table, index, clock, ground.ids());
        VolumeIndex volumeIndex = new VolumeIndex(new VolumeTable(ground.database()));
        VolumeFiles files = new VolumeFiles(storage.data());
        VolumeAccess use = new VolumeAccess(volumeIndex, files, storage.keys());
        VolumeAttachments attachments = new VolumeAttachments(volumeIndex, use, index, clock);
        GuestSpecFactory specs = new GuestSpecFactory(images, runtimes, secrets, settings.fleet(), use);
        GuestRegistry guests = new GuestRegistry(specs);
        BootAdmission admission = new BootAdmission(BootAdmission.bound(capacity.cpus()), ground.timers());
        GuestOperations steps = new GuestOperations(records, index, specs, guests, drain, admission, clock);
        LifecycleRunTypes lifecycle = new LifecycleRunTypes(
                records, index, steps, specs, attachments::settle, Sleeper.on(ground.timers()), clock);
        lifecycle.types().forEach(ground.engine()::register);
        Leases leases = new Leases(
                new LeaseTable(ground.database()), clock, id -> index.get(id).isPresent());
        index.listen(m -> {
            if (m.state() == MachineState.DESTROYED) {
                leases.forget(m.id());
            }
        });
        LifecycleDispatcher dispatcher =
                new LifecycleDispatcher(ground.engine(), records, index, lifecycle, leases, guests, clock);
        StuckStateMonitor monitor = new StuckStateMonitor(ground.timers(), ground.engine(), dispatcher, records);
        index.listen(monitor::follow);
        index.all().forEach(monitor::follow);
        Reconciler reconciler = new Reconciler(dispatcher, records, index, specs, guests, lifecycle);
        guests.setReconciler(reconciler::onGuestExit);
        HealthChecker checks = new HealthChecker(
                clock,
                ground.timers(),
                HealthProbe.network(ground.timers()),
                id -> index.get(id).ifPresent(index::tell));
        index.listen(checks::follow);
        index.all().forEach(checks::follow);
        VolumeRuns volumeRuns = new VolumeRuns(volumeIndex, files, use, storage.keys(), index, specs, guests, clock);
        volumeRuns.types().forEach(ground.engine()::register);
        AppTable apps = new AppTable(ground.database(), clock);
        Volumes volumes = new Volumes(
                ground.engine(),
                apps,
                volumeRuns,
                volumeIndex,
                files,
                use,
                storage.keys(),
                index,
                guests,
                settings.region(),
                clock,
                ground.ids());
        // Detach volumes after the record says destroyed: then nothing of the machine is left that could write.
        index.listen(m -> {
            if (m.state() == MachineState.DESTROYED) {
                attachments.settle(m.id());
            }
        });
        VolumeClaims claims = new VolumeClaims(
                attachments,
                (app, name, size, encrypted) ->
                        volumes.create(apps.get(app), Volumes.Request.empty(name, size, encrypted)),
                volumes::delete);
        DiskPressureMonitor disk = new DiskPressureMonitor(
                DiskSpace.of(storage.data()),
                storage.bounds(),
                index,
                guests,
                () -> files.outstanding(volumeIndex.all()),
                ground.timers());
        files.beside(disk::outstanding);
        CapacityReservations reservations = new CapacityReservations(capacity, disk, index);
        TenantRules tenants = new TenantRules(images, rawPorts, index);
        Machines machines = new Machines(
                dispatcher,
                new MachineCreator(
                        dispatcher,
                        apps,
                        records,
                        index,
                        lifecycle,
                        reservations,
                        drain,
                        claims,
                        tenants,
                        settings,
                        leases,
                        clock,
                        ground.ids()),
                new MachineUpdater(
                        dispatcher,
                        records,
                        index,
                        lifecycle,
                        leases,
                        reservations,
                        drain,
                        claims,
                        tenants,
                        clock,
                        ground.ids()),
                index,
                table,
                apps,
                lifecycle,
                leases,
                new MachineWaiter(index, table),
                guests,
                specs,
                checks,
                reservations,
                volumes,
                admission);
        disk.endsBy(new DiskPressureStopper(machines, records, specs)::end);
        MachineScheduler scheduler = new MachineScheduler(
                ground.engine(), index, records, clock, m -> machines.start(m, new Actor.Host("schedule")));
        ground.engine().register(scheduler.type());
        index.listen(scheduler::follow);
        VolumeRecovery recovery =
                new VolumeRecovery(ground.engine(), volumeRuns, volumeIndex, files, storage.keys(), attachments, clock);
        VolumeMaintenance keeper =
                new VolumeMaintenance(volumes, volumeIndex, files, use, storage.keys(), index, clock, ground.timers());
        return new MachineModule(
                machines, volumes, reconciler, recovery, keeper, disk, scheduler, dispatcher, ground.engine());
    }

    /**
     * Reconciles the host with the records after the daemon has started. Blocks until done; machines run on meanwhile.
     *
     * @return how many runs were resumed
     */
    public int recover() {
        reconciler.removeOrphans();
        int resumed = engine.resume(reconciler::underWay);
        reconciler.settle();
        // If the disk cannot be written now, the host serves what it can and tries this again later.
        SupervisedTask.hereOrLater("recover-volumes", () -> recovery.settle(dispatcher));
        scheduler.recover();
        return resumed;
    }

    public Machines machines() {
        return machines;
    }

    public Volumes volumes() {
        return volumes;
    }

    /** The monitor of the disk; the caller starts it. */
    public DiskPressureMonitor disk() {
        return disk;
    }

    /** The maintenance of volumes; the caller starts it. */
    public VolumeMaintenance maintenance() {
        return maintenance;
    }
}
