package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.RejectedException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The runtimes of this host: each one's probe result, and the default. A probe boots a guest and may take a minute if
 * it fails, so its result is stored in a file and valid while the kernel and the runtime's own tools stay the same.
 *
 * <p>The default is the strongest that works: {@code microvm} if its probe guest booted with hardware virtualization,
 * else {@code gvisor}, else an emulated {@code microvm}, which is slow and reported as such.
 */
public final class RuntimeSelector {
    private static final System.Logger LOG = System.getLogger(RuntimeSelector.class.getName());
    private static final String FULL = "No space left on device";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<String, GuestRuntime> candidates = new LinkedHashMap<>();
    private final Map<String, ProbeResult> probes = new ConcurrentHashMap<>();
    private final Path folder;

    /** @param folder where results are stored */
    public RuntimeSelector(Path folder, List<GuestRuntime> candidates) {
        this.folder = folder;
        candidates.forEach(runtime -> this.candidates.put(runtime.name(), runtime));
    }

    /**
     * The default runtime and, in a sentence, why it was chosen.
     *
     * @param runtime empty where none works
     */
    public record Choice(Optional<GuestRuntime> runtime, String why) {}

    public List<GuestRuntime> all() {
        return List.copyOf(candidates.values());
    }

    /** The runtime of that name, whether or not it works. */
    public GuestRuntime named(String name) {
        GuestRuntime runtime = candidates.get(name);
        if (runtime == null) {
            throw RejectedException.invalid(
                    "there is no runtime \"" + name + "\"; there are " + String.join(" and ", candidates.keySet()));
        }
        return runtime;
    }

    /** The runtime's probe result: a new one, or the stored one for this kernel and these tools. */
    public ProbeResult probe(String name) {
        GuestRuntime runtime = named(name);
        ProbeResult known = probes.get(name);
        if (known != null) {
            return known;
        }
        Optional<ProbeResult> kept = kept(runtime);
        kept.ifPresent(probe -> probes.put(name, probe));
        return kept.orElseGet(() -> reprobe(name));
    }

    /** Probes again, ignoring the stored result: {@code allod doctor --probe}. */
    public ProbeResult reprobe(String name) {
        GuestRuntime runtime = named(name);
        ProbeResult probe = runtime.probe();
        if (lasting(probe)) {
            keep(runtime, probe);
            probes.put(name, probe);
        }
        return probe;
    }

    /**
     * Whether the result may be stored: a probe that failed because the disk is full says nothing about the runtime.
     */
    static boolean lasting(ProbeResult probe) {
        return probe.works() || probe.details().stream().noneMatch(detail -> detail.contains(FULL));
    }

    /** Chooses the default. Slow if a runtime has not been probed yet. */
    public Choice choose() {
        Map<String, ProbeResult> found = new LinkedHashMap<>();
        candidates.keySet().forEach(name -> found.put(name, probe(name)));
        return choose(found, candidates);
    }

    static Choice choose(Map<String, ProbeResult> found, Map<String, GuestRuntime> candidates) {
        ProbeResult microvm = found.get("microvm");
        ProbeResult gvisor = found.get("gvisor");
        if (microvm != null && microvm.works() && microvm.accelerated()) {
            return chosen(candidates, "microvm", "a probe guest booted with hardware virtualization", microvm);
        }
        String not = microvm == null
                ? "there is no microvm runtime"
                : microvm.works()
                        ? "microVMs are only emulated here (" + microvm.how() + ")"
                        : "no microVM booted here (" + last(microvm) + ")";
        if (gvisor != null && gvisor.works()) {
            return chosen(candidates, "gvisor", not, gvisor);
        }
        if (microvm != null && microvm.works()) {
            return chosen(candidates, "microvm", "gvisor does not work and " + not + ", which is slow", microvm);
        }
        return new Choice(
                Optional.empty(),
                "no runtime works on this host: " + not
                        + (gvisor == null ? "" : "; gvisor: " + last(gvisor) + ". " + gvisor.remedy()));
    }

    private static Choice chosen(Map<String, GuestRuntime> candidates, String name, String because, ProbeResult probe) {
        return new Choice(
                Optional.ofNullable(candidates.get(name)),
                name + " (" + probe.how() + ", booted in " + probe.boot().toMillis() + " ms), because " + because);
    }

    private static String last(ProbeResult probe) {
        // If something is missing, nothing was tried, and the remedy is all there is to say.
        return probe.details().isEmpty() ? probe.remedy() : probe.details().getLast();
    }

    /** A stored result. */
    record Kept(String key, ProbeResult probe) {}

    private static String key(GuestRuntime runtime) {
        return runtime.fingerprint() + " on " + RunscSelector.kernel();
    }

    private Path file(GuestRuntime runtime) {
        return folder.resolve("probe-" + runtime.name() + ".json");
    }

    private Optional<ProbeResult> kept(GuestRuntime runtime) {
        try {
            Kept kept = JSON.readValue(Files.readString(file(runtime)), Kept.class);
            return kept.key().equals(key(runtime)) ? Optional.of(kept.probe()) : Optional.empty();
        } catch (IOException | JacksonException e) {
            return Optional.empty(); // never probed, or unreadable: probe again
        }
    }

    private void keep(GuestRuntime runtime, ProbeResult probe) {
        try {
            Files.createDirectories(folder);
            Path half = file(runtime).resolveSibling(file(runtime).getFileName() + ".new");
            Files.writeString(half, JSON.writeValueAsString(new Kept(key(runtime), probe)));
            Files.move(half, file(runtime), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            // This start has its result; only the next one has to probe again.
            LOG.log(System.Logger.Level.WARNING, "the answer of a probe is not kept in " + file(runtime) + ": " + e);
        }
    }
}
