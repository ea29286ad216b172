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

/**
 * Creates machines: checks the request, takes volumes and capacity, writes the first record, starts the create run and
 * waits for its first steps. What fails before the record is written is undone here; afterwards the run undoes it.
 */
public final class MachineCreator {
    /** How long a create waits for the image; a pull that takes longer continues after the call has returned. */
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
     * The host's own settings.
     *
     * @param region the region it is in
     * @param defaultRuntime the runtime of a machine that names none
     * @param runtimes the runtimes that a machine may name
     * @param fleet the first 40 bits of every machine's address
     */
    public record Settings(String region, String defaultRuntime, Set<String> runtimes, long fleet) {
        public Settings {
            runtimes = Set.copyOf(runtimes);
        }
    }

    /**
     * What a create asks for.
     *
     * @param launch whether to start the machine once it is created
     * @param cordoned whether the edge sends it no traffic from the beginning, until it is uncordoned
     * @param lease a lease that holds from the beginning
     * @param tenant whether the caller has only a token of the app
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
        /** A request of the operator. */
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
     * Creates a machine. Returns once its image, network and disk are prepared, or after {@link #ADMISSION}; the start
     * continues after that.
     *
     * @throws RejectedException if the request is refused, or its image is not usable
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
        // Before taking any lock, because creating a volume takes as long as its disk does.
        VolumeClaims.Claimed claimed = claims.claim(app.name(), id, runtime, request.config());
        return startAndAwait(record(app, id, runtime, claimed, request), claimed, request);
    }

    private Machine record(App app, MachineId id, String runtime, VolumeClaims.Claimed claimed, Request request) {
        try {
            return apps.within(app.name(), now -> admit(machine(now, id, runtime, claimed.config(), request), request));
        } catch (RuntimeException e) {
            // Once the machine is recorded, its create run releases the volumes.
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

    /** Starts the create run of a recorded machine and waits until it is prepared or has failed. */
    private Machine startAndAwait(Machine machine, VolumeClaims.Claimed claimed, Request request)
            throws InterruptedException {
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
            // There is no run that would settle the record, so take it back here.
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

    /** Takes name and capacity, then writes the record; one create at a time, so that no two take the same. */
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
                // Take the lease before the machine is visible, so that nobody else can change it first.
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
