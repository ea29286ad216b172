package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/**
 * The credentials that {@code docker login} (or podman) stored, read for each pull so that a new login counts at once.
 * Searched in {@code $REGISTRY_AUTH_FILE}, or {@code $DOCKER_CONFIG/config.json}, or {@code ~/.docker/config.json} and
 * {@code $XDG_RUNTIME_DIR/containers/auth.json}; in them {@code auths}, {@code credHelpers} and {@code credsStore}.
 * Those are the operator's. An app's token uses one file of the app's own, unless the operator lets apps use theirs.
 *
 * <p>No message of this class contains anything from these files except names.
 */
final class DockerAuth {
    private static final int LARGEST = 1 << 20;
    private static final Pattern HELPER = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    private final ImageStoreConfig settings;
    private final Requester by;

    DockerAuth(ImageStoreConfig settings, Requester by) {
        this.settings = settings;
        this.by = by;
    }

    /**
     * User name and password.
     *
     * @param origin the file or helper they come from, for errors
     */
    record Credentials(String user, String password, String origin) {
        String basic() {
            byte[] pair = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
            return "Basic " + Base64.getEncoder().encodeToString(pair);
        }

        @Override
        public String toString() {
            return "credentials of " + user + " from " + origin;
        }
    }

    /** The credentials for the registry of {@code reference}; empty for anonymous access. */
    Optional<Credentials> find(ImageReference reference) throws IOException, InterruptedException {
        for (Path file : files()) {
            if (!Files.isRegularFile(file)) {
                continue;
            }
            JsonNode json = read(file);
            Optional<Credentials> found = helper(json, reference, file);
            for (String key : keys(reference)) {
                if (found.isEmpty()) {
                    found = entry(json.path("auths").path(key), file);
                }
            }
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    /** The most likely place for credentials, for errors. */
    String place() {
        return files().getFirst().toString();
    }

    private List<Path> files() {
        if (by.tenant().isPresent() && !settings.policy().operatorCredentials()) {
            return List.of(settings.credentials().resolve(by.tenant().get() + ".json"));
        }
        return operatorFiles();
    }

    private List<Path> operatorFiles() {
        String named = settings.env().get("REGISTRY_AUTH_FILE");
        if (named != null && !named.isEmpty()) {
            return List.of(Path.of(named));
        }
        String config = settings.env().get("DOCKER_CONFIG");
        List<Path> files = new ArrayList<>();
        files.add(
                config == null || config.isEmpty()
                        ? settings.home().resolve(".docker").resolve("config.json")
                        : Path.of(config).resolve("config.json"));
        String runtime = settings.env().get("XDG_RUNTIME_DIR");
        if (runtime != null && !runtime.isEmpty()) {
            files.add(Path.of(runtime).resolve("containers").resolve("auth.json"));
        }
        return files;
    }

    private static JsonNode read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] content = in.readNBytes(LARGEST + 1);
            if (content.length <= LARGEST) {
                return OciJson.parse(content, "list of credentials");
            }
        } catch (RejectedException e) {
            // Its message may quote the file, which holds secrets.
        }
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                "the registry credentials in " + file + " cannot be read: it is not a JSON object of reasonable size",
                "repair it, or move it away and log in again");
    }

    /**
     * The keys to look up, most specific first: podman stores credentials for each repository, Docker for each registry
     * in several spellings.
     */
    private static List<String> keys(ImageReference reference) {
        List<String> keys = new ArrayList<>();
        String key = reference.registry() + "/" + reference.repository();
        while (key.length() > reference.registry().length()) {
            keys.add(key);
            key = key.substring(0, key.lastIndexOf('/'));
        }
        String host = reference.registry();
        List<String> hosts = host.equals("docker.io") ? List.of("index.docker.io", host) : List.of(host);
        for (String name : hosts) {
            keys.addAll(List.of(name, "https://" + name, "https://" + name + "/v1/", "https://" + name + "/v2/"));
        }
        return keys;
    }

    private static Optional<Credentials> entry(JsonNode entry, Path file) {
        String packed = OciJson.text(entry, "auth", "");
        String user = OciJson.text(entry, "username", "");
        String password = OciJson.text(entry, "password", "");
        if (!packed.isEmpty()) {
            String pair;
            try {
                pair = new String(Base64.getDecoder().decode(packed.strip()), StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                throw broken(file);
            }
            int colon = pair.indexOf(':'); // the first colon: a password may contain more
            if (colon < 0) {
                throw broken(file);
            }
            user = pair.substring(0, colon);
            password = pair.substring(colon + 1).replaceFirst("\0+$", "");
        }
        if (!OciJson.text(entry, "identitytoken", "").isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "the registry credentials in " + file + " are an identity token, which Allod does not take",
                    "log in with a user and a password or access token");
        }
        return user.isEmpty() ? Optional.empty() : Optional.of(new Credentials(user, password, file.toString()));
    }

    private static RejectedException broken(Path file) {
        return RejectedException.because(
                RejectedException.Reason.INVALID,
                "the registry credentials in " + file + " are not of the form Docker writes",
                "log in again: docker login, podman login or skopeo login");
    }

    private Optional<Credentials> helper(JsonNode json, ImageReference reference, Path file)
            throws IOException, InterruptedException {
        String name =
                OciJson.text(json.path("credHelpers"), reference.registry(), OciJson.text(json, "credsStore", ""));
        if (name.isEmpty()) {
            return Optional.empty();
        }
        if (!HELPER.matcher(name).matches()) {
            throw broken(file);
        }
        String program = "docker-credential-" + name;
        Path path = ToolRunner.find(program, settings.env())
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        file + " keeps registry credentials with " + program + ", which is not installed",
                        "install it, or log in on this host without it"));
        String server = reference.registry().equals("docker.io") ? "https://index.docker.io/v1/" : reference.registry();
        Optional<byte[]> answer = CredentialHelper.ask(path, server);
        if (answer.isEmpty()) {
            return Optional.empty();
        }
        try {
            JsonNode said = OciJson.parse(answer.get(), "credentials");
            return Optional.of(
                    new Credentials(OciJson.text(said, "Username", ""), OciJson.text(said, "Secret", ""), program));
        } catch (RejectedException e) {
            throw new FailedException(program + " answered with something other than credentials");
        }
    }
}
