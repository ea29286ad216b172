package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.fsm.RunId;
import org.allod.runtime.GuestSpec;

/** How a machine comes to be: what it is admitted by, and what is said where it is not. */
public final class MachineCreator {
    /** A create answers once the image is known to be good; a pull that takes longer goes on behind the answer. */
    private static final Duration ADMISSION = Duration.ofSeconds(60);

    private static final int MAX_NAME = 63;

    private final LifecycleDispatcher dispatcher;
    private final AppTable apps;
    private final MachineRecords records;
    private final MachineIndex index;
    private final LifecycleRunTypes lifecycle;
    private final CapacityReservations reservations;
    private final TrafficDrain drain;
    private final VolumeClaims claims;
    private final TenantRules tenants;
    private final Settings settings;
    private final Leases leases;
    private final Clock clock;
    private final IdGenerator ids;
    private final ReentrantLock creating = new ReentrantLock();

    /**
     * What this host is.
     *
     * @param region the region it is in
     * @param defaultRuntime what runs a machine that does not say
     * @param runtimes what it may say
     * @param fleet 40 bits that begin every address
     */
    public record Settings(String region, String defaultRuntime, Set<String> runtimes, long fleet) {
        public Settings {
            runtimes = Set.copyOf(runtimes);
        }
    }

    /**
     * What a create asks for beside the configuration.
     *
     * @param launch whether it is started once it is made
     * @param cordoned whether the edge leaves it out from its first moment, until it is uncordoned
     * @param lease a lease of the machine from its first moment
     * @param tenant whether who asks has no more than a token of the app
     */
    public record Request(
            Optional<String> name,
            Optional<String> region,
            Optional<String> runtime,
            boolean launch,
            boolean cordoned,
            Optional<Leases.LeaseRequest> lease,
            MachineConfig config,
            boolean tenant) {
        /** The operator's. */
        public Request(
                Optional<String> name,
                Optional<String> region,
                Optional<String> runtime,
                boolean launch,
                boolean cordoned,
                Optional<Leases.LeaseRequest> lease,
                MachineConfig config) {
            this(name, region, runtime, launch, cordoned, lease, config, false);
        }
    }

    MachineCreator(
            LifecycleDispatcher dispatcher,
            AppTable apps,
            MachineRecords records,
            MachineIndex index,
            LifecycleRunTypes lifecycle,
            CapacityReservations reservations,
            TrafficDrain drain,
            VolumeClaims claims,
            TenantRules tenants,
            Settings settings,
            Leases leases,
            Clock clock,
            IdGenerator ids) {
        this.dispatcher = dispatcher;
        this.apps = apps;
        this.records = records;
        this.index = index;
        this.lifecycle = lifecycle;
        this.reservations = reservations;
        this.drain = drain;
        this.claims = claims;
        this.tenants = tenants;
        this.settings = settings;
        this.leases = leases;
        this.clock = clock;
        this.ids = ids;
    }

    /**
     * Makes a machine. Returns once its image is good and its place is made, or what went wrong is known; the start
     * goes on behind the answer.
     */
    Machine create(App app, Request request) throws InterruptedException {
        checkRegion(request.region());
        String runtime = request.runtime().orElse(settings.defaultRuntime());
        if (!settings.runtimes().contains(runtime)) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "runtime \"%s\" is not offered by this host: it offers %s"
                            .formatted(runtime, String.join(", ", settings.runtimes())),
                    "`allod doctor` says what each needs");
        }
        RuntimeLimits.check(request.config(), runtime);
        BootValidator.check(request.config());
        tenants.check(request.config(), app.name(), request.tenant());
        drain.admit(request.config());
        reservations.capacity().possible(request.config());
        MachineId id = ids.machine();
        // Before any lock: making a volume takes as long as its disk does.
        VolumeClaims.Claimed claimed = claims.claim(app.name(), id, runtime, request.config());
        return made(recorded(app, id, runtime, claimed, request), claimed, request);
    }

    private Machine recorded(App app, MachineId id, String runtime, VolumeClaims.Claimed claimed, Request request) {
        try {
            return apps.within(app.name(), now -> admit(machine(now, id, runtime, claimed.config(), request), request));
        } catch (RuntimeException e) {
            // Once the machine is on record, its run releases them.
            if (index.get(id).isEmpty()) {
                claims.settle(id);
                claims.undo(claimed);
            }
            throw e;
        }
    }

    private Machine machine(App app, MachineId id, String runtime, MachineConfig config, Request request) {
        return new Machine(
                id,
                app.name(),
                app.network(),
                name(request.name(), id),
                settings.region(),
                runtime,
                ids.ulid(),
                config,
                Optional.empty(),
                MachineState.CREATING,
                request.cordoned(),
                0,
                Optional.empty(),
                clock.wall(),
                clock.wall(),
                new GuestSpec.Net(settings.fleet(), app.network()).address(id));
    }

    /** On record by now: what is left is done by its run. */
    private Machine made(Machine machine, VolumeClaims.Claimed claimed, Request request) throws InterruptedException {
        MachineId id = machine.id();
        RunId run = begin(machine, claimed, request);
        Optional<Machine> admitted = index.await(id, m -> m.state() != MachineState.CREATING, ADMISSION);
        if (admitted.filter(m -> m.state() == MachineState.DESTROYED).isPresent()) {
            throw dispatcher.refusal(run, "the machine was not made");
        }
        return index.get(id).or(() -> admitted).orElse(machine);
    }

    private RunId begin(Machine machine, VolumeClaims.Claimed claimed, Request request) {
        try {
            return dispatcher.start(
                    lifecycle.create,
                    machine,
                    new LifecycleRequests.Create(machine.id().text(), request.launch(), request.tenant()));
        } catch (RuntimeException e) {
            // No run will ever settle it.
            try {
                records.discard(machine);
                claims.settle(machine.id());
                claims.undo(claimed);
            } catch (RuntimeException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    /** Takes the name and the room, one create at a time, so that two cannot take the same. */
    private Machine admit(Machine machine, Request request) {
        return LockOrder.holding(LockOrder.Rank.CREATE, creating, creating, () -> {
            if (index.size() >= reservations.capacity().machines()) {
                throw RejectedException.because(
                        RejectedException.Reason.CAPACITY,
                        "this host has %d machines, the most it takes"
                                .formatted(reservations.capacity().machines()),
                        "destroy some, or use another host");
            }
            boolean taken =
                    index.of(machine.app()).stream().anyMatch(m -> m.name().equals(machine.name()));
            if (taken) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "app %s has a machine called %s already".formatted(machine.app(), machine.name()),
                        "choose another name, or leave it out");
            }
            Leases.Gated<Machine, RuntimeException> admission = () -> {
                // Before anybody can know the machine, so that nobody can come between.
                request.lease().ifPresent(ask -> leases.take(machine.id(), Optional.empty(), ask));
                records.save(machine);
                return machine;
            };
            return reservations.withReservation(machine, machine, request.launch(), admission);
        });
    }

    private String name(Optional<String> wanted, MachineId id) {
        String name = wanted.filter(n -> !n.isEmpty()).orElse("m-" + id.text().substring(2));
        if (name.length() > MAX_NAME || !name.matches("[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?")) {
            throw RejectedException.invalid(
                    "name is \"%s\": it must be 1 to 63 letters, digits, dots, hyphens and underscores"
                            .formatted(name));
        }
        return name;
    }

    private void checkRegion(Optional<String> region) {
        region.filter(r -> !r.isEmpty() && !r.equals(settings.region())).ifPresent(r -> {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "region is \"%s\": this host is in %s".formatted(r, settings.region()),
                    "leave region out");
        });
    }
}
