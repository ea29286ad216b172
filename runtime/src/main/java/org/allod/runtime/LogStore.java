package org.allod.runtime;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.allod.base.Clock;
import org.allod.base.MachineId;

/**
 * The logs of all machines of this host, each {@code console.log} in its machine's folder. One {@link ConsoleLog} for
 * each machine, whether or not its guest runs, so that readers and the guest's channel share one instance.
 */
public final class LogStore implements AutoCloseable {
    /** Maximum size of each of a machine's two files. */
    public static final long FILE_LIMIT = 1 << 20;

    private final Path machines;
    private final long limit;
    private final Clock clock;
    private final Map<MachineId, ConsoleLog> open = new HashMap<>();

    /** @param machines the folder that holds one folder a machine */
    public LogStore(Path machines, Clock clock) {
        this(machines, FILE_LIMIT, clock);
    }

    LogStore(Path machines, long limit, Clock clock) {
        this.machines = machines;
        this.limit = limit;
        this.clock = clock;
    }

    /** The machine's log, opened on first use. */
    public synchronized ConsoleLog log(MachineId machine) {
        return open.computeIfAbsent(
                machine, m -> new ConsoleLog(machines.resolve(m.text()).resolve("console.log"), limit, clock));
    }

    /** Closes the log of a machine that is being removed; its files are deleted with its folder. */
    public synchronized void forget(MachineId machine) {
        ConsoleLog log = open.remove(machine);
        if (log != null) {
            log.close();
        }
    }

    /** Closes the log of a machine that does not run, unless somebody follows it. */
    synchronized void release(MachineId machine) {
        ConsoleLog log = open.get(machine);
        if (log != null && log.release()) {
            open.remove(machine);
        }
    }

    @Override
    public synchronized void close() {
        open.values().forEach(ConsoleLog::close);
        open.clear();
    }
}
