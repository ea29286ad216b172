package org.allod.machine;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Ulid;

/**
 * The complete record of one machine. Immutable: a change writes a new record. This host is its only writer.
 *
 * @param id its name; never changes
 * @param app the app it belongs to
 * @param network the app's network, the middle of its address
 * @param name a name for people, unique in its app
 * @param region the region of its host
 * @param runtime what runs it: {@code microvm} or {@code gvisor}
 * @param version the current version of its configuration, new with each update; {@code instance_id} on the wire
 * @param config the current configuration
 * @param image its image by content; empty until that is resolved
 * @param state its state in its life cycle
 * @param cordoned whether the edge sends it no traffic
 * @param restarts how often in a row its policy restarted it
 * @param started when it last became {@code started}
 * @param created when it was created
 * @param updated when this record was written
 * @param address its private address, the same wherever it runs
 */
public record Machine(
        MachineId id,
        String app,
        int network,
        String name,
        String region,
        String runtime,
        Ulid version,
        MachineConfig config,
        Optional<ImageRef> image,
        MachineState state,
        boolean cordoned,
        int restarts,
        Optional<Instant> started,
        Instant created,
        Instant updated,
        String address) {

    /** An image by its digest, with the names that it was found by. */
    public record ImageRef(String registry, String repository, String tag, String digest) {}

    Machine withState(MachineState next, Instant now) {
        Optional<Instant> since = next == MachineState.STARTED ? Optional.of(now) : started;
        return new Machine(
                id, app, network, name, region, runtime, version, config, image, next, cordoned, restarts, since,
                created, now, address);
    }

    Machine withImage(ImageRef ref, Instant now) {
        return new Machine(
                id,
                app,
                network,
                name,
                region,
                runtime,
                version,
                config,
                Optional.of(ref),
                state,
                cordoned,
                restarts,
                started,
                created,
                now,
                address);
    }

    Machine withConfig(Ulid newVersion, MachineConfig newConfig, Instant now) {
        return new Machine(
                id,
                app,
                network,
                name,
                region,
                runtime,
                newVersion,
                newConfig,
                Optional.empty(),
                state,
                cordoned,
                0,
                started,
                created,
                now,
                address);
    }

    /** Sets each key that has a value, removes each that has none. */
    Machine withMetadata(Map<String, Optional<String>> changes, Instant now) {
        return new Machine(
                id,
                app,
                network,
                name,
                region,
                runtime,
                version,
                config.withMetadata(changes),
                image,
                state,
                cordoned,
                restarts,
                started,
                created,
                now,
                address);
    }

    Machine withRestarts(int count, Instant now) {
        return new Machine(
                id, app, network, name, region, runtime, version, config, image, state, cordoned, count, started,
                created, now, address);
    }

    Machine withCordoned(boolean value, Instant now) {
        return new Machine(
                id, app, network, name, region, runtime, version, config, image, state, value, restarts, started,
                created, now, address);
    }

    /** The same record with another {@code updated}, for an event that changes nothing else. */
    Machine at(Instant now) {
        return withCordoned(cordoned, now);
    }
}
