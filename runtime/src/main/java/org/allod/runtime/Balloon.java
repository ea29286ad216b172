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
 * The balloon of a microVM (virtio 1.2, section 5.5): memory that the guest's kernel hands back to the host, page by
 * page, for as long as it is asked to. The guest has to lend a hand, so nothing here is waited for without a bound, and
 * what is answered is what QEMU has counted. How large it is, QEMU knows, and what is saved of a suspended guest: there is
 * no record of ours to disagree with them.
 *
 * <p>QEMU serves one client at a time: each question is a conversation of its own, so that whoever has to end or save the
 * machine is never kept waiting by a guest that takes its time.
 */
record Balloon(MicroVm vm) {
    /** QEMU's name for the device; part of what saved memory depends on. */
    static final String ID = "balloon";

    /** A kernel and PID 1 need this much; what a guest cannot spare it takes back by itself. */
    static final int LEAST_MB = 64;

    private static final String PATH = "/machine/peripheral/" + ID;
    private static final Duration BOUND = Duration.ofSeconds(10);
    /** A guest that has handed over nothing for so long has no more to give. */
    private static final Duration STUCK = Duration.ofSeconds(2);

    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration STATISTICS = Duration.ofMillis(300);

    /** What the guest has now. */
    long bytes() {
        return ask("query-balloon", Map.of()).path("actual").asLong(0);
    }

    /** Asks the guest to make do with so much, or lets it have so much; what it has then, or when it stops moving. */
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
     * Has the guest hand over so much, which the host gets back at once, and gives it leave to take it again when it needs
     * it. A daemon that dies in between leaves a note for the next: {@link #settle}.
     *
     * @return how much it was
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

    /** Ends a reclaim that somebody began. */
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

    /** What the guest says that it could still use; empty where it does not say. */
    OptionalLong available() {
        try {
            long before = statistics().path("last-update").asLong(0);
            poll(1); // asks at once
            boolean _ = Poll.within(
                    STATISTICS,
                    Duration.ofMillis(10),
                    () -> statistics().path("last-update").asLong(0) != before);
            poll(0); // and no more: a guest that sleeps is not to be woken for this
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
