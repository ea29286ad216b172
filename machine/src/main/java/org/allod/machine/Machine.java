package org.allod.machine;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.Ulid;

/**
 * One machine's whole record: replaced whole, never changed in part. This host is its only writer.
 *
 * @param id its name for ever
 * @param app the app it belongs to
 * @param network the app's network, the middle of its address
 * @param name what people call it, unique in its app
 * @param region where it is
 * @param runtime what runs it: {@code microvm} or {@code gvisor}
 * @param version the current version of its configuration, new with each update; {@code instance_id} on the wire
 * @param config the current configuration
 * @param image what its image turned out to be, once that is known
 * @param state where it is in its life
 * @param cordoned whether the edge leaves it out
 * @param restarts restarts in a row by policy
 * @param started when it last became {@code started}
 * @param created when it was made
 * @param updated when this record was made
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

    /** An image by content. */
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

    /** The same as of {@code now}: a record of its own, since something beside it is noted. */
    Machine at(Instant now) {
        return withCordoned(cordoned, now);
    }
}
