package org.allod.machine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.RejectedException;

/** Reads the fields about how a guest starts, restarts and stops. */
final class InitReader {
    static final Duration MAX_STOP = Duration.ofMinutes(5);
    static final MachineConfig.Stop USUAL_STOP = new MachineConfig.Stop(Optional.empty(), Duration.ofSeconds(5));
    static final MachineConfig.Restart USUAL_RESTART =
            new MachineConfig.Restart(MachineConfig.Restart.Policy.ON_FAILURE, 10);
    private static final int MAX_SWAP_MB = 64 << 10;
    private static final int MAX_DISK_GB = 1024;

    private InitReader() {}

    /** Reads {@code init} without its kernel arguments, which {@link #size} reads. */
    static MachineConfig.Init init(StrictJsonReader in) {
        MachineConfig.Command command = command(in);
        boolean tty = in.bool("tty").orElse(false);
        int swap = in.integer("swap_size_mb", 0, MAX_SWAP_MB).orElse(0);
        return new MachineConfig.Init(command, tty, swap);
    }

    static MachineConfig.Command command(StrictJsonReader in) {
        return new MachineConfig.Command(in.strings("exec"), in.strings("entrypoint"), in.strings("cmd"));
    }

    /** The guest's size with the kernel arguments of {@code init} added. */
    static GuestSize size(GuestSize guest, List<String> more) {
        List<String> args = new ArrayList<>(guest.kernelArgs());
        args.addAll(more);
        return new GuestSize(guest.kind(), guest.cpus(), guest.memoryMb(), List.copyOf(args));
    }

    /**
     * The writable layer.
     *
     * @param older the value of the older field {@code guest.persist_rootfs}
     */
    static MachineConfig.Rootfs rootfs(Optional<StrictJsonReader> fields, Optional<String> older) {
        if (fields.isEmpty()) {
            return new MachineConfig.Rootfs(persist(older), MachineConfig.Rootfs.DEFAULT_MB);
        }
        StrictJsonReader in = fields.get();
        Optional<String> persist = in.oneOf("persist", PERSIST);
        int size = in.integer("size_gb", 0, MAX_DISK_GB).orElse(0);
        in.done();
        return new MachineConfig.Rootfs(
                persist(persist.or(() -> older)), size == 0 ? MachineConfig.Rootfs.DEFAULT_MB : size * 1024);
    }

    static final List<String> PERSIST = List.of("", "never", "always", "restart");

    private static MachineConfig.Rootfs.Persist persist(Optional<String> word) {
        return word.filter(w -> !w.isEmpty())
                .map(w -> MachineConfig.Rootfs.Persist.valueOf(w.toUpperCase(Locale.ROOT)))
                .orElse(MachineConfig.Rootfs.Persist.NEVER);
    }

    static MachineConfig.Restart restart(StrictJsonReader in) {
        in.refuse("gpu_bid_price", "hosts have no GPUs and no spot market to bid in");
        Optional<String> word = in.oneOf("policy", List.of("", "no", "always", "on-failure", "spot-price"))
                .filter(p -> !p.isEmpty());
        word.filter("spot-price"::equals).ifPresent(spot -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path("policy") + " is \"spot-price\": the hosts are your own, so there is no spot market",
                    "say always, on-failure or no");
        });
        MachineConfig.Restart.Policy policy = word.map(p -> MachineConfig.Restart.Policy.valueOf(
                        p.toUpperCase(Locale.ROOT).replace('-', '_')))
                .orElse(USUAL_RESTART.policy());
        int retries = in.integer("max_retries", 0, 1_000_000).orElse(USUAL_RESTART.maxRetries());
        in.done();
        return new MachineConfig.Restart(policy, retries);
    }

    static MachineConfig.Stop stop(StrictJsonReader in) {
        Optional<Integer> signal =
                in.string("signal").filter(s -> !s.isEmpty()).map(s -> ConfigReader.signal(in.path("signal"), s));
        Duration timeout = in.duration("timeout", MAX_STOP).orElse(USUAL_STOP.timeout());
        in.done();
        return new MachineConfig.Stop(signal, timeout);
    }
}
