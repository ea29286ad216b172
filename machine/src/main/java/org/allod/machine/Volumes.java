package org.allod.machine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.fsm.Engine;
import org.allod.fsm.Fault;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunId;
import org.allod.fsm.RunResult;
import org.allod.fsm.RunType;
import org.allod.linux.Ext4;

/**
 * The volumes of this host: the facade that the API and deploys call. A change returns once its run has ended. A
 * create, copy or snapshot that takes longer than a minute returns the record as it is then, and its run continues; an
 * extension or deletion that takes longer is refused with {@link RejectedException.Reason#TIMEOUT}, and continues too.
 *
 * <p>Thread rule: safe from any thread; methods that change something block, so call them on virtual threads.
 */
public final class Volumes {
    private static final Duration ANSWER = Duration.ofSeconds(60);
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final int MAX_NAME = 30;
    static final int DEFAULT_GB = 1;
    static final int DEFAULT_RETENTION = 5;
    static final int MAX_RETENTION = 60;
    /** The most volumes on a host: their records take little memory, and a file system with this many files is fast. */
    private static final int MOST = 10_000;

    private final Engine engine;
    private final AppTable apps;
    private final VolumeRuns runs;
    private final VolumeIndex index;
    private final VolumeFiles files;
    private final VolumeAccess use;
    private final VolumeKeyStore keys;
    private final MachineIndex machines;
    private final GuestRegistry guests;
    private final String region;
    private final Clock clock;
    private final IdGenerator ids;

    Volumes(
            Engine engine,
            AppTable apps,
            VolumeRuns runs,
            VolumeIndex index,
            VolumeFiles files,
            VolumeAccess use,
            VolumeKeyStore keys,
            MachineIndex machines,
            GuestRegistry guests,
            String region,
            Clock clock,
            IdGenerator ids) {
        this.engine = engine;
        this.apps = apps;
        this.runs = runs;
        this.index = index;
        this.files = files;
        this.use = use;
        this.keys = keys;
        this.machines = machines;
        this.guests = guests;
        this.region = region;
        this.clock = clock;
        this.ids = ids;
    }

    /**
     * What a create asks for.
     *
     * @param sizeGb in GiB; empty for the size of its source, or 1 if it has none
     * @param snapshot the snapshot to restore
     * @param source the volume to copy
     */
    public record Request(
            String name,
            Optional<String> region,
            Optional<Integer> sizeGb,
            boolean encrypted,
            Optional<String> snapshot,
            Optional<String> source,
            boolean autoBackup,
            int retention) {
        /** An empty volume. */
        public static Request empty(String name, int sizeGb, boolean encrypted) {
            return new Request(
                    name,
                    Optional.empty(),
                    Optional.of(sizeGb),
                    encrypted,
                    Optional.empty(),
                    Optional.empty(),
                    true,
                    DEFAULT_RETENTION);
        }
    }

    // --- reading

    /** A volume of the app; also one that was deleted lately and whose record is still kept. */
    public Volume get(String app, VolumeId id) {
        return index.find(id)
                .filter(v -> v.app().equals(app))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no volume " + id + " in app " + app,
                        "`allod volume list --app " + app + "` shows those there are"));
    }

    /** The app's volumes without deleted ones, oldest first. */
    public List<Volume> list(String app) {
        return all().stream().filter(v -> v.app().equals(app)).toList();
    }

    /** The volumes of all apps without deleted ones, oldest first. */
    public List<Volume> all() {
        return index.all();
    }

    /** The volumes deleted lately, newest first. */
    public List<Volume> destroyed() {
        return index.destroyed();
    }

    /** How much of its file system is used and free. */
    public Ext4.Space space(Volume volume) {
        return use.space(volume, machines, guests);
    }

    /** Its snapshots, newest first; those of a deleted volume stay until their retention is over. */
    public List<VolumeSnapshot> snapshots(Volume volume) {
        return index.snapshots(volume.id());
    }

    // --- changing

    /** Creates a volume: empty, from a snapshot, or as a copy of another. */
    public Volume create(App app, Request request) throws InterruptedException {
        // The app cannot be deleted while the volume is recorded. It can while the volume is filled, which takes as
        // long as the disk does.
        StartedCreate started = apps.within(app.name(), present -> begin(present, request));
        return createAndAwait(started.volume(), started.run());
    }

    private record StartedCreate(Volume volume, RunId run) {}

    private StartedCreate begin(App app, Request request) {
        index.checkInOrder();
        checkName(request.name());
        request.region().filter(r -> !r.isEmpty() && !r.equals(region)).ifPresent(r -> {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "region is \"%s\": this host is in %s".formatted(r, region),
                    "leave region out");
        });
        if (index.all().size() >= MOST) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "this host has %d volumes, the most it takes".formatted(MOST),
                    "delete some");
        }
        VolumeSource origin = VolumeSource.of(app, request, index);
        if (request.encrypted() && !origin.encrypted() && origin.from().isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "encrypted is true, but %s is not encrypted: a copy is what its source is"
                            .formatted(origin.from().get()),
                    "create an empty encrypted volume and copy the files into it");
        }
        boolean encrypted = origin.from().isPresent() ? origin.encrypted() : request.encrypted();
        if (encrypted && !keys.available()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "encrypted is true: this host cannot keep keys for volumes",
                    "install qemu-img (`allod setup` does) and restart the daemon; or leave it out: the volume is then not"
                            + " encrypted, and says so");
        }
        int size = size(request, origin);
        Volume v = new Volume(
                VolumeId.of(ids.ulid()),
                app.name(),
                request.name(),
                region,
                size,
                encrypted,
                VolumeState.CREATING,
                Optional.empty(),
                origin.writer(),
                request.autoBackup(),
                request.retention(),
                Optional.empty(),
                clock.wall(),
                clock.wall());
        try (VolumeFiles.Promise _ = files.reserveSpace("size_gb", size * Volume.GIB, index::all)) {
            if (encrypted) {
                origin.from().ifPresentOrElse(from -> keys.share(v.id().text(), from), () -> keys.make(v.id()));
            }
            index.put(v);
        }
        return new StartedCreate(v, begin(v, origin));
    }

    private Volume createAndAwait(Volume v, RunId run) {
        Optional<RunResult> ended = awaitRun(run);
        if (ended.isPresent() && !ended.get().completed()) {
            throw refusal("volume could not be made, and nothing was left behind", ended.get());
        }
        return index.get(v.id()).orElse(v);
    }

    private RunId begin(Volume v, VolumeSource origin) {
        String subject = v.id().text();
        try {
            return switch (origin) {
                case VolumeSource.Empty() -> engine.start(runs.create, subject, new VolumeRequests.Simple(subject));
                case VolumeSource.Fork(Volume source) ->
                    engine.start(
                            runs.fork,
                            subject,
                            new VolumeRequests.Fill(subject, source.id().text()));
                case VolumeSource.Restore(VolumeSnapshot snapshot) ->
                    engine.start(
                            runs.restore,
                            subject,
                            new VolumeRequests.Fill(subject, snapshot.id().text()));
            };
        } catch (RuntimeException e) {
            // No run will create it, so erase the record; otherwise it would stay `creating` until the next start.
            index.erase(v.id());
            keys.forget(subject);
            throw e;
        }
    }

    private static int size(Request request, VolumeSource origin) {
        int least = origin.sizeGb();
        int size = request.sizeGb().orElse(least == 0 ? DEFAULT_GB : least);
        if (size < least) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "size_gb is %d: %s has %d, and a volume never shrinks"
                            .formatted(size, origin.from().orElse("its source"), least),
                    "ask for %d or more, or leave it out".formatted(least));
        }
        return size;
    }

    /** The rule for names is that of the Machines API, since names stand in machine configurations. */
    private static void checkName(String name) {
        if (name.length() > MAX_NAME || !name.matches("[a-z0-9_]+")) {
            throw RejectedException.invalid("name is \"%s\": it must be 1 to %d small letters, digits and underscores"
                    .formatted(name.length() > 80 ? name.substring(0, 77) + "..." : name, MAX_NAME));
        }
    }

    /** Changes the backup settings that are given, and leaves the others. */
    public Volume update(Volume volume, Optional<Boolean> autoBackup, Optional<Integer> retention) {
        return index.change(
                        volume.id(),
                        v -> v.withRetention(
                                autoBackup.orElse(v.autoBackup()), retention.orElse(v.retention()), clock.wall()))
                .orElseThrow(() -> gone(volume));
    }

    /** @param restart whether its machine must be restarted to see the new size */
    public record Extended(Volume volume, boolean restart) {}

    /** Makes the volume larger, also while a machine uses it. */
    public Extended extend(Volume volume, int sizeGb) throws InterruptedException {
        Volume now = index.get(volume.id()).orElseThrow(() -> gone(volume));
        if (sizeGb < now.sizeGb()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "size_gb is %d: volume %s has %d, and a volume never shrinks"
                            .formatted(sizeGb, now.id(), now.sizeGb()),
                    "ask for more than %d".formatted(now.sizeGb()));
        }
        // Run again for a volume in use even at the same size: an earlier call may have failed to reach the guest.
        boolean inUse = now.attached()
                .flatMap(machines::get)
                .filter(m -> m.state() == MachineState.STARTED)
                .isPresent();
        if (sizeGb == now.sizeGb() && !inUse) {
            return new Extended(now, false);
        }
        now.attached()
                .flatMap(machines::get)
                .filter(m -> m.state() == MachineState.SUSPENDED)
                .ifPresent(m -> {
                    throw RejectedException.because(
                            RejectedException.Reason.CONFLICT,
                            "volume %s belongs to machine %s, whose saved memory knows its size"
                                    .formatted(now.id(), m.id()),
                            "resume or stop the machine first");
                });
        RunResult result;
        try (VolumeFiles.Promise _ = files.reserveSpace("size_gb", (sizeGb - now.sizeGb()) * Volume.GIB, index::all)) {
            RunId run = startRun(
                    now,
                    VolumeState.EXTENDING,
                    () -> engine.start(
                            runs.extend,
                            now.id().text(),
                            new VolumeRequests.Extend(now.id().text(), sizeGb)));
            result = awaitRun(run).orElseThrow(() -> late("extending", now, run));
        }
        if (!result.completed()) {
            throw refusal("volume " + now.id() + " was not extended", result);
        }
        boolean restart = response(runs.extend, result)
                .filter(VolumeRequests.Progress::restart)
                .isPresent();
        return new Extended(index.get(now.id()).orElse(now), restart);
    }

    /** Takes a snapshot. Returns once it is complete, or after a minute while it is still being taken. */
    public VolumeSnapshot snapshot(Volume volume, boolean scheduled) throws InterruptedException {
        index.checkInOrder();
        Volume v = index.get(volume.id()).orElseThrow(() -> gone(volume));
        if (v.state() == VolumeState.CREATING || v.state() == VolumeState.DESTROYING) {
            throw RejectedException.conflict(
                    "volume " + v.id() + " is " + v.state().wire());
        }
        try (VolumeFiles.Promise _ = files.reserveSpace("the snapshot", files.costOfCopy(v.id()), index::all)) {
            return takeSnapshot(v, scheduled);
        }
    }

    private VolumeSnapshot takeSnapshot(Volume v, boolean scheduled) throws InterruptedException {
        VolumeSnapshot wanted = new VolumeSnapshot(
                SnapshotId.of(ids.ulid()),
                v.id(),
                v.app(),
                false,
                0,
                v.sizeGb(),
                v.encrypted(),
                v.writer(),
                v.retention(),
                scheduled,
                Optional.empty(),
                clock.wall());
        if (v.encrypted()) {
            keys.share(wanted.id().text(), v.id().text());
        }
        index.put(wanted);
        RunId run;
        try {
            run = engine.start(
                    runs.snapshot,
                    v.id().text(),
                    new VolumeRequests.Snapshot(v.id().text(), wanted.id().text()));
        } catch (RuntimeException e) {
            index.erase(wanted.id());
            keys.forget(wanted.id().text());
            throw e;
        }
        Optional<RunResult> ended = awaitRun(run);
        if (ended.isPresent() && !ended.get().completed()) {
            throw refusal("no snapshot of volume " + v.id() + " was taken", ended.get());
        }
        return index.snapshot(wanted.id()).orElse(wanted);
    }

    /** Deletes the volume; refused while it is attached. Its snapshots stay until their retention is over. */
    public Volume delete(Volume volume) throws InterruptedException {
        Volume v = index.get(volume.id()).orElseThrow(() -> gone(volume));
        RunId run = startRun(
                v,
                VolumeState.DESTROYING,
                () -> engine.start(runs.delete, v.id().text(), new VolumeRequests.Simple(v.id().text())));
        RunResult result = awaitRun(run).orElseThrow(() -> late("deleting", v, run));
        if (!result.completed()) {
            throw refusal("volume " + v.id() + " was not deleted", result);
        }
        return index.find(v.id()).orElse(v);
    }

    /**
     * Deletes a volume of an app that is being deleted. Waits up to {@code bound} first, until the volume is detached,
     * no copy of it is being made and its create has ended.
     */
    void deleteOnceFree(Volume volume, Duration bound) throws InterruptedException {
        Poll.within(bound, LOOK, () -> free(volume.id()));
        if (index.get(volume.id()).isPresent()) {
            var _ = delete(volume);
        }
    }

    private boolean free(VolumeId id) {
        Optional<Volume> now = index.get(id);
        return now.isEmpty()
                || (now.get().attached().isEmpty()
                        && !use.isBeingCopied(id)
                        && engine.activeRun(runs.create, id.text()).isEmpty());
    }

    private interface Begin {
        RunId run();
    }

    /** Records the transient state, from which on no machine can attach the volume; then starts the run. */
    private RunId startRun(Volume volume, VolumeState during, Begin begin) {
        index.checkInOrder();
        var _ = index.change(volume.id(), v -> {
                    v.attached().filter(m -> during == VolumeState.DESTROYING).ifPresent(m -> {
                        throw RejectedException.because(
                                RejectedException.Reason.CONFLICT,
                                "volume %s is attached to machine %s".formatted(v.id(), m),
                                "destroy the machine first, or update it without the volume");
                    });
                    if (during == VolumeState.DESTROYING && use.isBeingCopied(v.id())) {
                        throw RejectedException.because(
                                RejectedException.Reason.CONFLICT,
                                "a copy of volume %s is being made".formatted(v.id()),
                                "delete it once that is done");
                    }
                    if (v.state() != VolumeState.CREATED) {
                        throw RejectedException.because(
                                RejectedException.Reason.CONFLICT,
                                "volume %s is %s".formatted(v.id(), v.state().wire()),
                                "wait until it is created");
                    }
                    return v.withState(during, clock.wall());
                })
                .orElseThrow(() -> gone(volume));
        try {
            return begin.run();
        } catch (RuntimeException e) {
            index.change(volume.id(), v -> v.state() == during ? v.withState(VolumeState.CREATED, clock.wall()) : v);
            throw e;
        }
    }

    private Optional<RunResult> awaitRun(RunId run) {
        try {
            return Optional.of(engine.await(run, ANSWER));
        } catch (RejectedException e) {
            return Optional.empty();
        }
    }

    private static <Q> Optional<VolumeRequests.Progress> response(
            RunType<Q, VolumeRequests.Progress> type, RunResult result) {
        return type.response(result);
    }

    private static RejectedException gone(Volume volume) {
        return RejectedException.notFound("volume " + volume.id() + " is deleted");
    }

    private static RejectedException late(String what, Volume volume, RunId run) {
        return RejectedException.because(
                RejectedException.Reason.TIMEOUT,
                "%s volume %s is still under way after %d s".formatted(what, volume.id(), ANSWER.toSeconds()),
                "it goes on: `allod fsm show " + run + "`");
    }

    private static RuntimeException refusal(String what, RunResult result) {
        return switch (result.outcome()) {
            case Outcome.Unrecoverable(var fault, String message)
            when fault == Fault.USER -> RejectedException.conflict(what + ": " + message);
            default -> new FailedException(what + ": " + result.outcome().detail());
        };
    }
}
