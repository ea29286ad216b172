package org.allod.machine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.runtime.GuestSpec;
import org.allod.runtime.GuestUnit;

/** Makes the {@link GuestUnit}s of a guest from its processes and containers. Use a new instance for each guest. */
final class UnitSpecFactory {
    /** SIGTERM, the default stop signal of a machine with several processes or containers. */
    static final int END = 15;

    private final ImageStore images;
    private final Optional<BootSecrets> known;

    /** Files in memory so far; all containers of a microVM share them, so each file gets a number of its own. */
    private int inMemory;

    /** @param known the secrets of this boot; empty if the guest does not boot */
    UnitSpecFactory(ImageStore images, Optional<BootSecrets> known) {
        this.images = images;
        this.known = known;
    }

    /** The machine's processes or containers, in order; empty if it runs one main process. */
    List<GuestUnit> of(Machine machine, Image image) {
        MachineConfig config = machine.config();
        List<GuestUnit> units = new ArrayList<>();
        config.processes().forEach(p -> units.add(process(machine, p, image)));
        config.containers().forEach(c -> units.add(container(machine, c, image)));
        return units;
    }

    /** The machine's own command; for a machine with several processes, a placeholder that is never run. */
    List<String> command(MachineConfig config, Image.Config of) {
        return config.processes().isEmpty() && config.containers().isEmpty()
                ? ConfigReader.command(config, of.entrypoint(), of.cmd())
                : List.of("none");
    }

    private GuestUnit process(Machine machine, ProcessConfig process, Image image) {
        Image.Config of = image.config();
        MachineConfig config = machine.config();
        GuestUnit unit = GuestUnit.process(
                process.name(),
                ConfigReader.command(process.command(), config.image(), of.entrypoint(), of.cmd()),
                environment(machine, of.env(), process.env(), process.envFrom(), process.secrets()),
                folder(of),
                user(process.user(), of));
        return unit.stoppedBy(signal(config.stop(), of), config.stop().timeout());
    }

    private GuestUnit container(Machine machine, ContainerConfig container, Image main) {
        String name = container.image(machine.config().image());
        // The machine's own is pinned by its record, whatever its name means by now.
        Image image = name.equals(machine.config().image()) ? main : here(name, machine.app());
        Image.Config of = image.config();
        List<MachineConfig.File> files = new ArrayList<>(machine.config().files());
        files.addAll(container.files());
        return new GuestUnit(
                container.name(),
                Optional.of(image.rootImage()),
                ConfigReader.command(container.command(), name, of.entrypoint(), of.cmd()),
                environment(machine, of.env(), container.env(), container.envFrom(), container.secrets()),
                folder(of),
                user(container.user(), of),
                files(files, machine.app()),
                container.dependsOn().stream().map(UnitSpecFactory::after).toList(),
                restart(container.restart()),
                signal(container.stop(), of),
                container.stop().timeout(),
                container.healthchecks().stream().map(UnitSpecFactory::check).toList());
    }

    private static String folder(Image.Config of) {
        return of.workingDir().isEmpty() ? "/" : of.workingDir();
    }

    private static Optional<String> user(String own, Image.Config of) {
        return Optional.of(own.isEmpty() ? of.user() : own).filter(u -> !u.isEmpty());
    }

    private static int signal(MachineConfig.Stop stop, Image.Config of) {
        return stop.signal().or(() -> SignalNames.number(of.stopSignal())).orElse(END);
    }

    private static GuestUnit.After after(ContainerConfig.Dependency dependency) {
        return new GuestUnit.After(
                dependency.name(),
                switch (dependency.condition()) {
                    case STARTED -> GuestUnit.Condition.STARTED;
                    case HEALTHY -> GuestUnit.Condition.HEALTHY;
                    case EXITED_SUCCESSFULLY -> GuestUnit.Condition.SUCCEEDED;
                });
    }

    private static GuestUnit.Restart restart(MachineConfig.Restart restart) {
        return new GuestUnit.Restart(
                switch (restart.policy()) {
                    case NO -> GuestUnit.Policy.NO;
                    case ALWAYS -> GuestUnit.Policy.ALWAYS;
                    case ON_FAILURE -> GuestUnit.Policy.ON_FAILURE;
                },
                restart.maxRetries());
    }

    private static GuestUnit.Check check(ContainerConfig.Health health) {
        return new GuestUnit.Check(
                switch (health.question()) {
                    case ContainerConfig.Question.Exec(List<String> argv) -> new GuestUnit.Question.Exec(argv);
                    case ContainerConfig.Question.Tcp(int port) -> new GuestUnit.Question.Tcp(port);
                    case ContainerConfig.Question.Http http -> new GuestUnit.Question.Http(http.port(), request(http));
                },
                health.liveness() || health.stops(),
                health.interval(),
                health.timeout(),
                health.grace(),
                health.successes(),
                health.failures());
    }

    private static String request(ContainerConfig.Question.Http http) {
        StringBuilder text =
                new StringBuilder(http.method() + " " + http.path() + " HTTP/1.1\r\nconnection: close\r\n");
        if (http.headers().keySet().stream().noneMatch(name -> name.equalsIgnoreCase("host"))) {
            text.append("host: localhost:").append(http.port()).append("\r\n");
        }
        http.headers()
                .forEach((name, values) -> values.forEach(
                        v -> text.append(name).append(": ").append(v).append("\r\n")));
        return text.append("\r\n").toString();
    }

    /** The files with their content; those made of secrets are included at a boot only. */
    List<GuestSpec.File> files(List<MachineConfig.File> wanted, String app) {
        List<GuestSpec.File> files = new ArrayList<>();
        for (MachineConfig.File file : wanted) {
            switch (file) {
                case MachineConfig.File.Raw raw -> files.add(new GuestSpec.File(raw.path(), raw.content(), raw.mode()));
                case MachineConfig.File.ImageConfig of ->
                    files.add(new GuestSpec.File(of.path(), ImageNames.document(here(of.image(), app)), of.mode()));
                case MachineConfig.File.Secret secret ->
                    known.ifPresent(s -> files.addAll(
                            GuestSpec.File.inMemory(secret.path(), s.file(secret), secret.mode(), inMemory++)));
            }
        }
        return files;
    }

    /** A name may lead elsewhere than when the machine was made: never to what its app was not given. */
    private Image here(String reference, String app) {
        return images.find(reference, app)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "the image %s is not on this host, or what it is now was not given to app %s"
                                .formatted(reference, app),
                        "update the machine, which pulls it for the app; or name it by its digest"));
    }

    /** A whole environment. Later ones override: image, host, machine, process or container, secrets. */
    Map<String, String> environment(
            Machine machine,
            List<String> ofImage,
            Map<String, String> own,
            List<ProcessConfig.EnvFrom> from,
            SecretSelection choice) {
        Map<String, String> env = new LinkedHashMap<>();
        env.put("FLY_APP_NAME", machine.app());
        env.put("FLY_MACHINE_ID", machine.id().text());
        env.put("FLY_ALLOC_ID", machine.id().text());
        env.put("FLY_MACHINE_VERSION", machine.version().toString());
        env.put("FLY_REGION", machine.region());
        env.put("FLY_PRIVATE_IP", machine.address());
        env.put("FLY_IMAGE_REF", machine.config().image());
        env.put("FLY_VM_MEMORY_MB", "" + machine.config().memoryMb());
        env.putAll(machine.config().env());
        env.putAll(own);
        from.forEach(f -> env.put(f.variable(), f.field().of(machine)));
        known.ifPresent(secrets -> env.putAll(secrets.environment(choice)));
        return ConfigReader.environment(env, ofImage);
    }
}
