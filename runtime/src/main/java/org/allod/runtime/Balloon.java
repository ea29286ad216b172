package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import org.allod.base.FailedException;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/**
 * The balloon of a microVM (virtio 1.2, section 5.5): the guest's kernel returns memory to the host, page by page, for
 * as long as the target asks for it. The guest must cooperate, so every wait here has a time limit and every result is
 * what QEMU has counted. Only QEMU, and the saved state of a suspended guest, hold the balloon's size, so no record
 * here can disagree with them.
 *
 * <p>QEMU serves one client at a time, so each question opens its own connection: a slow guest never delays whoever
 * must end or save the machine.
 */
record Balloon(MicroVm vm) {
    /** QEMU's name for the device; saved memory depends on it. */
    static final String ID = "balloon";

    /** The minimum for a kernel and PID 1; below this the guest takes memory back by itself. */
    static final int LEAST_MB = 64;

    private static final String PATH = "/machine/peripheral/" + ID;
    private static final Duration BOUND = Duration.ofSeconds(10);
    /** A guest that has returned nothing for this long has no more to give. */
    private static final Duration STUCK = Duration.ofSeconds(2);

    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration STATISTICS = Duration.ofMillis(300);

    /** The guest's current memory in bytes. */
    long bytes() {
        return ask("query-balloon", Map.of()).path("actual").asLong(0);
    }

    /** Sets the target size; returns the guest's memory when it reaches the target or stops changing. */
    long set(long bytes) {
        var _ = ask("balloon", Map.of("value", bytes));
        long[] last = {Long.MAX_VALUE};
        int[] still = {0};
        boolean _ = Poll.within(BOUND, LOOK, () -> {
            long now = bytes();
            still[0] = now == last[0] ? still[0] + 1 : 0;
            last[0] = now;
            return now == bytes || still[0] > STUCK.dividedBy(LOOK);
        });
        return bytes();
    }

    /**
     * Takes this many bytes from the guest for the host and then lets the guest take them back when it needs them. If
     * the daemon dies in between, a file tells the next one: {@link #settle}.
     *
     * @return how many bytes the guest gave
     */
    long reclaim(long bytes) {
        long before = bytes();
        write(vm.folders().reclaiming(), before);
        try {
            return before - Math.min(before, set(Math.max((long) LEAST_MB << 20, before - bytes)));
        } finally {
            settle();
        }
    }

    /** Ends a reclaim that was interrupted. */
    void settle() {
        Path note = vm.folders().reclaiming();
        try {
            var _ = ask(
                    "balloon",
                    Map.of("value", Long.parseLong(Files.readString(note).strip())));
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException | NumberFormatException | FailedException e) {
            System.getLogger(Balloon.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            "machine " + vm.folders().machine() + " may be short of memory until it is restarted",
                            e);
        }
        RuntimeResources.forget(note);
    }

    /** The memory that the guest reports as available; empty if it reports none. */
    OptionalLong available() {
        try {
            long before = statistics().path("last-update").asLong(0);
            poll(1); // requests statistics at once
            boolean _ = Poll.within(
                    STATISTICS,
                    Duration.ofMillis(10),
                    () -> statistics().path("last-update").asLong(0) != before);
            poll(0); // stop polling: a sleeping guest must not be woken for statistics
            long said = statistics().path("stats").path("stat-available-memory").asLong(-1);
            return said < 0 ? OptionalLong.empty() : OptionalLong.of(said);
        } catch (FailedException e) {
            return OptionalLong.empty();
        }
    }

    private JsonNode statistics() {
        return ask("qom-get", Map.of("path", PATH, "property", "guest-stats"));
    }

    private void poll(int seconds) {
        var _ = ask("qom-set", Map.of("path", PATH, "property", "guest-stats-polling-interval", "value", seconds));
    }

    private JsonNode ask(String command, Map<String, ?> arguments) {
        try (Qmp qmp = vm.control()) {
            return qmp.run(command, arguments);
        } catch (FailedException e) {
            if (String.valueOf(e.getMessage()).contains("No balloon device")) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "the guest of machine " + vm.folders().machine() + " was booted by an older Allod, without a"
                                + " balloon: its memory cannot be changed while it runs",
                        "restart the machine; nothing was changed");
            }
            throw e;
        }
    }

    private static void write(Path file, long value) {
        RuntimeResources.write(file, value + "\n");
    }
}
