package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.runtime.ExitStatus;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The requests of the lifecycle runs: what is recorded when a run starts, and all that a resumed run knows. They
 * consist of text and numbers, so that every version reads what another wrote; a component that older versions did not
 * write is {@code null} in their runs.
 */
final class LifecycleRequests {
    private LifecycleRequests() {}

    /** For runs that need only the machine and who asked. */
    record Simple(String machine, String source) {
        MachineId id() {
            return new MachineId(machine);
        }
    }

    /**
     * @param launch whether to start the machine once it is created
     * @param tenant whether a token of the app asked for it; null in runs of older versions
     */
    record Create(String machine, boolean launch, @Nullable Boolean tenant) {
        boolean byTenant() {
            return Boolean.TRUE.equals(tenant);
        }

        MachineId id() {
            return new MachineId(machine);
        }
    }

    /** @param signal the number of the signal to send; 0 for the machine's own */
    record Stop(String machine, int signal, long timeoutMillis, String source) {
        MachineId id() {
            return new MachineId(machine);
        }

        Duration timeout() {
            return Duration.ofMillis(timeoutMillis);
        }
    }

    /**
     * @param running whether the machine is to run afterwards
     * @param skipSecrets whether it boots without its app's secrets; null in runs of older versions
     * @param before the state before the update, restored if the update fails before the switch; null in runs of older
     *     versions
     * @param tenant whether a token of the app asked for it; null in runs of older versions
     */
    record Update(
            String machine,
            String version,
            JsonNode config,
            boolean running,
            @Nullable Boolean skipSecrets,
            @Nullable String before,
            @Nullable Boolean tenant) {
        boolean byTenant() {
            return Boolean.TRUE.equals(tenant);
        }

        MachineConfig next() {
            return MachineJson.config(config).skippingSecrets(Boolean.TRUE.equals(skipSecrets));
        }

        MachineId id() {
            return new MachineId(machine);
        }

        Ulid ulid() {
            return MachineJson.version(version);
        }

        /** The state before the update, if it is one that a machine without a guest can be in. */
        MachineState settled() {
            return Optional.ofNullable(before)
                    .flatMap(MachineState::parse)
                    .filter(state -> state.kind() == MachineState.Kind.PERSISTENT && state != MachineState.STARTED)
                    .orElse(MachineState.STOPPED);
        }
    }

    /** @param due when the start was due, for readers of the run's history */
    record Scheduled(String machine, String schedule, String due) {
        MachineId id() {
            return new MachineId(machine);
        }
    }

    /** How a main process ended by itself. */
    record Exited(String machine, String version, int code, int signal, boolean oomKilled) {
        MachineId id() {
            return new MachineId(machine);
        }

        ExitStatus exit() {
            return new ExitStatus(code, signal, oomKilled);
        }
    }

    /**
     * What a run has done so far.
     *
     * @param restarts for an exit run: the restarts in a row when the guest exited, recorded so that every attempt of
     *     the next step decides by the same count; null in other runs and in runs of older versions
     */
    record Progress(String note, @Nullable Integer restarts) {
        Progress(String note) {
            this(note, null);
        }
    }
}
