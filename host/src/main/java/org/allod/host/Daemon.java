package org.allod.host;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.allod.api.AddressEndpoints;
import org.allod.api.ApiConfig;
import org.allod.api.ApiServer;
import org.allod.api.ApiStats;
import org.allod.api.AppDeletionGuard;
import org.allod.api.AppEndpoints;
import org.allod.api.Authenticator;
import org.allod.api.DeployEndpoints;
import org.allod.api.Endpoint;
import org.allod.api.EndpointTable;
import org.allod.api.ExecSlots;
import org.allod.api.GuestEndpoints;
import org.allod.api.HostEndpoints;
import org.allod.api.ImageEndpoints;
import org.allod.api.LogEndpoints;
import org.allod.api.MachineEndpoints;
import org.allod.api.MemoryEndpoints;
import org.allod.api.OpenApi;
import org.allod.api.OperatorToken;
import org.allod.api.OrgEndpoints;
import org.allod.api.PlatformEndpoints;
import org.allod.api.ProcessEndpoints;
import org.allod.api.RateLimits;
import org.allod.api.RunEndpoints;
import org.allod.api.VolumeEndpoints;
import org.allod.base.BelievedClock;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SupervisedTask;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.deploy.DeploySchema;
import org.allod.deploy.DeployService;
import org.allod.edge.Edge;
import org.allod.edge.EdgeConfig;
import org.allod.edge.SelfSigned;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.image.ImageStoreConfig;
import org.allod.image.LocalImageStore;
import org.allod.linux.SdNotify;
import org.allod.machine.App;
import org.allod.machine.AppAddresses;
import org.allod.machine.Capacity;
import org.allod.machine.MachineCreator;
import org.allod.machine.MachineModule;
import org.allod.machine.MachineSchema;
import org.allod.machine.Machines;
import org.allod.machine.RawPorts;
import org.allod.machine.VolumeSchema;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.allod.trust.TrustModule;
import org.allod.trust.TrustSchema;

/**
 * Builds every part of a running host with constructors, lowest first, and closes them in reverse order. Machines are
 * not among the parts: they run before the daemon starts and after it ends.
 *
 * <p>The order matters: {@link MachineModule#recover} reconciles records and runs with what exists on the host before
 * anything is served.
 */
final class Daemon implements AutoCloseable {
    /** Maximum machines: a record takes a few kilobytes of the daemon's memory, and this many fit. */
    private static final int MACHINES = 100_000;

    /**
     * Maximum concurrent forced destroys: each ends processes and unmounts, which two processors do no faster in
     * parallel.
     */
    private static final int INSISTED = 16;

    private static final Duration GRACE = Duration.ofSeconds(3);

    /** A first start boots a guest on every runtime until one works; if none does, each takes its whole time limit. */
    private static final Duration PROBING = Duration.ofMinutes(10);

    private static final Duration RECOVERING = Duration.ofMinutes(1);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final BelievedClock clock = new BelievedClock(new SystemClock());
    private InetSocketAddress api = new InetSocketAddress(0);
    private InetSocketAddress edgeAddress = new InetSocketAddress(0);
    private Supplier<ApiStats> apiStats = () -> {
        throw new FailedException("the API is not open yet");
    };

    private Daemon() {}

    /**
     * Starts everything; returns once the host serves.
     *
     * @param fatal called if the daemon cannot continue safely
     */
    static Daemon start(HostConfig config, SdNotify manager, Consumer<Throwable> fatal) {
        Daemon daemon = new Daemon();
        try {
            daemon.build(config, manager, fatal);
            return daemon;
        } catch (RuntimeException | Error e) {
            daemon.close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T part(T part) {
        parts.push(part);
        return part;
    }

    private void build(HostConfig config, SdNotify manager, Consumer<Throwable> fatal) {
        long began = clock.monoNanos();
        DataDirectoryLock data = part(DataDirectoryLock.hold(config.data()));
        NativeLibraries.load(data.path("native"));
        SystemTimers timers = part(new SystemTimers());
        Rng rng = Rng.system();
        IdGenerator ids = new IdGenerator(clock, rng.fork("ids"));
        Database database = part(Database.open(
                data.path("host.db"),
                DatabaseOptions.defaults(),
                List.of(
                        FleetId.SCHEMA,
                        FsmSchema.schema(),
                        MachineSchema.SCHEMA,
                        VolumeSchema.SCHEMA,
                        DeploySchema.SCHEMA,
                        AppAddresses.SCHEMA,
                        TrustSchema.SCHEMA)));
        database.whenLost(fatal::accept);
        ClockRecord calendar = part(new ClockRecord(database, clock, timers));
        ids.after(calendar.restore());
        calendar.start();
        TrustAdapter trust = new TrustAdapter(TrustModule.open(
                database,
                config.hostKey(),
                config.forgetSecrets(),
                config.tenants().roots(),
                clock,
                ids));
        long fleet = FleetId.fleet(database, rng.fork("fleet"));
        EngineOptions options = EngineOptions.defaults().queue(MachineModule.INSISTED, INSISTED);
        Engine engine = Engine.on(database, clock, timers, rng.fork("runs"), ids, options, fatal);
        LocalImageStore images =
                part(new LocalImageStore(imageSettings(config, data), clock, timers, rng.fork("images")));
        manager.starting("probing the runtimes by booting guests", PROBING);
        RuntimeSetup runtimes = part(RuntimeSetup.of(config, clock, timers));
        manager.starting("recovering the machines of this host", RECOVERING);
        EdgeAdapter edgeAdapter = new EdgeAdapter();
        MachineModule module = MachineModule.build(
                new MachineModule.Ground(database, engine, clock, timers, ids),
                images,
                runtimes.all(),
                edgeAdapter,
                trust,
                capacity(config),
                new MachineCreator.Settings(
                        config.region(), runtimes.chosen(), runtimes.all().keySet(), fleet),
                new MachineModule.Storage(
                        config.data(), VolumeKeyring.of(trust.trust().volumeKeys()), config.disk()),
                rawPorts(config));
        Machines machines = module.machines();
        edgeAdapter.attachMachines(machines);
        machines.atAppEnd(trust);
        machines.atAppEnd(new ImageGrants(images));
        trust.endKeyTokensWith(machines);
        DeployService deploys = DeployService.build(database, engine, machines, images, clock, timers, ids);
        part(() -> engine.shutdown(GRACE));
        SupervisedTask.hereOrLater(
                "retain-apps",
                () -> images.retainApps(machines.apps().stream().map(App::name).collect(Collectors.toSet())));
        // Before runs resume, which boot machines from what their apps were given.
        SupervisedTask.hereOrLater("grant-images", () -> images.grant(imagesOf(machines, images)));
        module.recover();
        SupervisedTask.hereOrLater("recover-deploys", deploys.recovery());
        part(module.disk()).start();
        part(module.maintenance()).start();
        DiskStatus disk = part(new DiskStatus(config.data(), module.disk(), database, timers));
        disk.start();
        SelfSigned certificate = new SelfSigned(data.path("edge-self-signed.p12"), config.domain());
        Edge edge = part(Edge.start(edgeConfig(config), edgeAdapter, certificate, clock, timers, rng.fork("edge")));
        edgeAdapter.attachEdge(edge);
        part(new CatalogPublisher(machines, edge, certificate, new ImageStatics(images::find)))
                .start();
        new CertificatePublisher(trust.trust().certificates(), edge).start();
        edgeAddress = edge.address();
        OperatorToken token = OperatorToken.at(data.path("operator.token"));
        Authenticator authenticator = Authenticator.of(token, trust.trust().tokens());
        AppAddresses addresses = new AppAddresses(database, clock, ServedAddresses.of(edgeAddress), config.region());
        machines.atAppEnd(addresses);
        TrustAdapter.Site site = new TrustAdapter.Site(
                () -> config.site().orElse("http://" + text(api)), addresses.served(), config.domain());
        IdleMemoryReleaser memory = part(new IdleMemoryReleaser(
                new ProcessMemory(database::releaseMemory), clock, timers, config.memoryRelease()));
        memory.start();
        HostStatus facts =
                new HostStatus(config, runtimes, machines, engine, edge, database, clock, began, disk, memory, this);
        ApiServer server = part(new ApiServer(
                endpoints(
                        module,
                        deploys,
                        trust.endpoints(machines, authenticator, site, clock),
                        addresses,
                        engine,
                        images,
                        runtimes,
                        facts,
                        token),
                authenticator,
                new RateLimits(clock, config.rates()),
                ids,
                apiConfig(config.connections()),
                clock,
                rng.fork("api")));
        apiStats = server::stats;
        api = server.listen(config.api());
        server.listen(data.path("allod.sock"));
        manager.ready("serving on " + describe());
        manager.watchdog()
                .ifPresent(period ->
                        part(new Watchdog(database, timers, manager, period)).start());
    }

    private static ImageStoreConfig imageSettings(HostConfig config, DataDirectoryLock data) {
        return ImageStoreConfig.in(data.path("images"))
                .withPolicy(config.tenants().policy());
    }

    private static RawPorts rawPorts(HostConfig config) {
        Set<Integer> own = new HashSet<>();
        own.add(config.api().getPort());
        own.add(config.edge().getPort());
        config.edgeTls().ifPresent(tls -> own.add(tls.getPort()));
        own.remove(0); // port 0 means any free port, which nobody else can hold
        return config.tenants().ports().without(own);
    }

    /** The images of each app's machines, for hosts whose records predate image grants. */
    private static Map<String, Set<String>> imagesOf(Machines machines, LocalImageStore images) {
        Map<String, Set<String>> all = new HashMap<>();
        machines.all().forEach(m -> {
            Set<String> ofApp = all.computeIfAbsent(m.app(), app -> new HashSet<>());
            m.image().ifPresent(i -> ofApp.add(i.digest()));
            // By name only where nothing is known: a name may mean another app's content by now.
            if (!images.knows(m.app())) {
                m.config().otherImages().forEach(name -> images.find(name).ifPresent(i -> ofApp.add(i.digest())));
            }
        });
        return all;
    }

    private static Capacity capacity(HostConfig config) {
        long memory =
                config.memoryMb() > 0 ? config.memoryMb() : Math.max(64, HostMemory.totalMb() - HostMemory.RESERVE_MB);
        return new Capacity(memory, java.lang.Runtime.getRuntime().availableProcessors(), MACHINES);
    }

    private static ApiConfig apiConfig(ConnectionLimits limits) {
        return ApiConfig.usual().connecting(limits.api(), limits.apiPerAddress(), limits.socket());
    }

    private static EdgeConfig edgeConfig(HostConfig config) {
        ConnectionLimits limits = config.connections();
        EdgeConfig named =
                EdgeConfig.at(config.edge()).withDomain(config.domain()).withRegion(config.region());
        EdgeConfig plain = named.with(named.limits().connecting(limits.edge(), limits.edgePerAddress()));
        EdgeConfig usual = config.edgeTls().map(plain::withHttps).orElse(plain);
        Duration every = config.idleGrace().compareTo(Duration.ofMinutes(1)) < 0
                ? Duration.ofSeconds(1)
                : usual.times().autostopEvery();
        return usual.with(usual.times().sleeping(config.idleGrace(), every));
    }

    private EndpointTable endpoints(
            MachineModule module,
            DeployService deploys,
            List<Endpoint> trust,
            AppAddresses addresses,
            Engine engine,
            LocalImageStore images,
            RuntimeSetup runtimes,
            HostStatus facts,
            OperatorToken token) {
        Machines machines = module.machines();
        List<Endpoint> all = new ArrayList<>();
        all.addAll(new AppEndpoints(machines, module.volumes()).endpoints());
        all.addAll(trust);
        all.addAll(new AddressEndpoints(machines, addresses).endpoints());
        all.addAll(new OrgEndpoints(machines, module.volumes()).endpoints());
        all.addAll(new PlatformEndpoints(machines, facts.region()).endpoints());
        all.addAll(new MachineEndpoints(machines).endpoints());
        all.addAll(new VolumeEndpoints(machines, module.volumes()).endpoints());
        all.addAll(new DeployEndpoints(deploys).endpoints());
        ExecSlots execs = new ExecSlots(ExecSlots.Bounds.USUAL);
        all.addAll(new GuestEndpoints(machines, execs).endpoints());
        all.addAll(new ProcessEndpoints(machines, execs, clock).endpoints());
        all.addAll(new MemoryEndpoints(machines).endpoints());
        all.addAll(new LogEndpoints(machines, runtimes.logs()).endpoints());
        all.addAll(new ImageEndpoints(images, () -> inUse(machines, images, deploys)).endpoints());
        all.addAll(new RunEndpoints(engine).endpoints());
        all.addAll(new HostEndpoints(facts, token).endpoints());
        all.addAll(new OpenApi(all).endpoints());
        return new EndpointTable(AppDeletionGuard.guarded(all, machines));
    }

    private static Set<String> inUse(Machines machines, LocalImageStore images, DeployService deploys) {
        Set<String> digests = new HashSet<>(deploys.imagesInUse());
        machines.all().forEach(m -> {
            m.image().ifPresent(i -> digests.add(i.digest()));
            m.config().otherImages().forEach(name -> images.find(name).ifPresent(i -> digests.add(i.digest())));
        });
        return digests;
    }

    /** The addresses it serves on, for messages. */
    String describe() {
        return "API http://%s, edge http://%s".formatted(text(api), text(edgeAddress));
    }

    InetSocketAddress api() {
        return api;
    }

    InetSocketAddress edge() {
        return edgeAddress;
    }

    static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    ApiStats apiStats() {
        return apiStats.get();
    }

    Map<String, String> addresses() {
        return Map.of("api", text(api), "edge", text(edgeAddress));
    }

    /** Stops serving; changes no record and ends no machine. */
    @Override
    public void close() {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                System.getLogger("allod.host")
                        .log(System.Logger.Level.WARNING, "a part of the daemon did not close cleanly", e);
            }
        }
    }
}
