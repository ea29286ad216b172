package org.allod.machine;

import java.time.Duration;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.runtime.ExitStatus;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The requests of the lifecycle runs: what is recorded when a run starts, and all that a resumed run has to go by.
 * Plain text and numbers, so that any version reads what another wrote.
 */
final class LifecycleRequests {
    private LifecycleRequests() {}

    /** For runs that need to know no more than which machine and who asked. */
    record Simple(String machine, String source) {
        MachineId id() {
            return new MachineId(machine);
        }
    }

    /**
     * @param launch whether to start it once it is made
     * @param tenant whether a token of the app asked for it; nothing: as a run of before that was kept
     */
    record Create(String machine, boolean launch, @Nullable Boolean tenant) {
        boolean byTenant() {
            return Boolean.TRUE.equals(tenant);
        }

        MachineId id() {
            return new MachineId(machine);
        }
    }

    /** @param signal to ask with; 0 for the machine's own */
    record Stop(String machine, int signal, long timeoutMillis, String source) {
        MachineId id() {
            return new MachineId(machine);
        }

        Duration timeout() {
            return Duration.ofMillis(timeoutMillis);
        }
    }

    /**
     * @param running whether it is to run afterwards
     * @param skipSecrets whether it goes without its app's secrets; nothing: as a run of before there were any
     * @param before the state it was in, which it has again where nothing comes of the update; nothing: as a run of
     *     before that was kept
     * @param tenant whether a token of the app asked for it; nothing: as a run of before that was kept
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

        /** The state of before, where a machine that does not run can be in it. */
        MachineState settled() {
            return Optional.ofNullable(before)
                    .flatMap(MachineState::parse)
                    .filter(state -> state.kind() == MachineState.Kind.PERSISTENT && state != MachineState.STARTED)
                    .orElse(MachineState.STOPPED);
        }
    }

    /** @param due when it was to be, for whoever looks at the run */
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
     * What a run has found out so far.
     *
     * @param restarts of an exit: how often the machine had been restarted in a row when it ended, which what follows is
     *     decided by, however often that is asked; nothing: of other runs, and of runs from before that was kept
     */
    record Progress(String note, @Nullable Integer restarts) {
        Progress(String note) {
            this(note, null);
        }
    }
}
