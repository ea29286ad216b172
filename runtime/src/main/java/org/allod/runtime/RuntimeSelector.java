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
 * The runtimes of this host: what each one's probe found, and which is the default. A probe boots a guest and may take
 * a minute where it fails, so its answer is kept in a file for as long as the kernel and the runtime's own tools are
 * the same ones.
 *
 * <p>The default is the strongest that works: {@code microvm} where its probe guest booted with hardware
 * virtualisation, else {@code gvisor}, else an emulated {@code microvm}, which is slow and said aloud.
 */
public final class RuntimeSelector {
    private static final System.Logger LOG = System.getLogger(RuntimeSelector.class.getName());
    private static final String FULL = "No space left on device";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<String, GuestRuntime> candidates = new LinkedHashMap<>();
    private final Map<String, ProbeResult> probes = new ConcurrentHashMap<>();
    private final Path folder;

    /** @param folder where answers are kept */
    public RuntimeSelector(Path folder, List<GuestRuntime> candidates) {
        this.folder = folder;
        candidates.forEach(runtime -> this.candidates.put(runtime.name(), runtime));
    }

    /**
     * The default runtime and why it is that one, in a sentence.
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

    /** What the runtime's probe found: now, or when it was last asked on this kernel with these tools. */
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

    /** Probes again, whatever is known: {@code allod doctor}. */
    public ProbeResult reprobe(String name) {
        GuestRuntime runtime = named(name);
        ProbeResult probe = runtime.probe();
        if (lasting(probe)) {
            keep(runtime, probe);
            probes.put(name, probe);
        }
        return probe;
    }

    /** A probe that found no room on the disk says nothing of the runtime: another day it works. */
    static boolean lasting(ProbeResult probe) {
        return probe.works() || probe.details().stream().noneMatch(detail -> detail.contains(FULL));
    }

    /** Chooses the default. Slow where a probe has not been made yet. */
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
        // Where something is missing nothing was tried, and what to do is all there is to say.
        return probe.details().isEmpty() ? probe.remedy() : probe.details().getLast();
    }

    /** A kept answer. */
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
            return Optional.empty(); // never asked, or not to be read: ask again
        }
    }

    private void keep(GuestRuntime runtime, ProbeResult probe) {
        try {
            Files.createDirectories(folder);
            Path half = file(runtime).resolveSibling(file(runtime).getFileName() + ".new");
            Files.writeString(half, JSON.writeValueAsString(new Kept(key(runtime), probe)));
            Files.move(half, file(runtime), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            // Then the next start asks again; this one has its answer.
            LOG.log(System.Logger.Level.WARNING, "the answer of a probe is not kept in " + file(runtime) + ": " + e);
        }
    }
}
