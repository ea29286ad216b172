package org.allod.machine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;

/** The secrets that one machine gets at one boot, read once. No error here contains a value. */
final class BootSecrets {
    /** The bound of an app's secrets together; needed here too, since one secret may be named many times. */
    private static final int MAX_NAMED_BYTES = 1 << 20;

    private final String app;
    private final MachineConfig config;
    private final SecretSource.Values values;

    private BootSecrets(String app, MachineConfig config, SecretSource.Values values) {
        this.app = app;
        this.config = config;
        this.values = values;
    }

    static BootSecrets of(SecretSource source, String app, MachineConfig config) {
        return new BootSecrets(app, config, source.of(app));
    }

    /**
     * The variables that override the rest of the environment. A machine without its app's secrets still gets those
     * that its configuration names one by one, and its files made of secrets.
     */
    Map<String, String> environment(SecretSelection choice) {
        Map<String, String> env = new LinkedHashMap<>();
        if (choice.ofApp() && !config.skipSecrets()) {
            env.putAll(values.byName());
        }
        long bytes = 0;
        for (SecretSelection.Named one : choice.named()) {
            String value = named(one.field(), one.secret());
            bytes += value.getBytes(StandardCharsets.UTF_8).length;
            if (bytes > MAX_NAMED_BYTES) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "%s: the secrets named up to here are %d bytes: one environment may have %d of them"
                                .formatted(one.field(), bytes, MAX_NAMED_BYTES),
                        "name each secret once; what is large belongs in a file");
            }
            env.put(one.variable(), value);
        }
        return env;
    }

    /** One secret by name; {@code field} is where the configuration names it, for the error. */
    String named(String field, String name) {
        return Optional.ofNullable(values.byName().get(name)).orElseThrow(() -> {
            String what = "%s: app %s has no secret %s".formatted(field, app, name);
            return DidYouMean.nearest(name, values.byName().keySet())
                    .map(near -> RejectedException.because(
                            RejectedException.Reason.INVALID, what, "did you mean " + near + "?"))
                    .orElseGet(() -> RejectedException.because(
                            RejectedException.Reason.INVALID,
                            what,
                            "set it first: `allod secrets set --app %s %s=-`".formatted(app, name)));
        });
    }

    /** The content of a file, decoded from the base64 that the Machines API prescribes for such secrets. */
    byte[] file(MachineConfig.File.Secret file) {
        try {
            return Base64.getDecoder().decode(named(field(file), file.name()).replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "%s: secret %s of app %s is not base64".formatted(field(file), file.name(), app),
                    "a secret that becomes a file holds the file's content in base64");
        }
    }

    private static String field(MachineConfig.File.Secret file) {
        return "config.files (" + file.path() + ")";
    }

    /** Refuses a configuration that cannot boot with these secrets, or that needs newer ones. */
    void check(long minVersion) {
        if (values.version() < minVersion) {
            throw RejectedException.because(
                    RejectedException.Reason.STALE,
                    "min_secrets_version is %d, but the secrets of app %s are at version %d"
                            .formatted(minVersion, app, values.version()),
                    "this host is the only one that changes them, so waiting does not help: ask with a version that a "
                            + "change of this app answered");
        }
        config.processes().forEach(p -> environment(p.secrets()));
        config.containers().forEach(c -> environment(c.secrets()));
        List<MachineConfig.File> files = new ArrayList<>(config.files());
        config.containers().forEach(c -> files.addAll(c.files()));
        for (MachineConfig.File file : files) {
            if (file instanceof MachineConfig.File.Secret secret) {
                var _ = file(secret);
            }
        }
    }
}
