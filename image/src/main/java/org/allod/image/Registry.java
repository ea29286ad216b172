package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.base.Timers;

/**
 * An image in a registry, over the distribution protocol: documents, ranges and limits. {@link RegistryClient} handles
 * challenges, tokens and redirects.
 *
 * @see <a href="https://github.com/opencontainers/distribution-spec">the OCI distribution specification</a>
 */
final class Registry implements ImageSource {
    private static final int ATTEMPTS = 4;
    private static final String ACCEPT =
            String.join(", ", OciJson.OCI_INDEX, OciJson.OCI_MANIFEST, OciJson.DOCKER_INDEX, OciJson.DOCKER_MANIFEST);

    private final ImageReference reference;
    private final RegistryErrors errors;
    private final RegistryClient client;
    private final Timers timers;
    private final ImageLimits limits;

    Registry(
            ImageReference reference, RegistryErrors errors, RegistryClient client, Timers timers, ImageLimits limits) {
        this.reference = reference;
        this.errors = errors;
        this.client = client;
        this.timers = timers;
        this.limits = limits;
    }

    /**
     * Creates the source. {@code connector} makes its connections; {@code place} says where the credentials were found
     * or expected.
     */
    static Registry of(
            ImageReference reference,
            Optional<DockerAuth.Credentials> credentials,
            String place,
            Requester by,
            PolicedConnector connector,
            Timers timers,
            ImageLimits limits) {
        RegistryErrors errors = new RegistryErrors(reference, credentials, place, by.tenant());
        RegistryClient client = new RegistryClient(reference, credentials, new HttpGet(connector, timers), errors);
        return new Registry(reference, errors, client, timers, limits);
    }

    @Override
    public String name() {
        return reference.toString();
    }

    @Override
    public String origin() {
        return reference.registry();
    }

    @Override
    public int attempts() {
        return ATTEMPTS;
    }

    @Override
    public Document top() throws IOException {
        Document document = document(reference.selector());
        if (reference.digest().isPresent()) {
            Digest got = Digest.of(document.content());
            if (!got.equals(reference.digest().get())) {
                throw RejectedException.invalid(name() + " was delivered with other content (" + got + ")");
            }
        }
        return document;
    }

    @Override
    public Document manifest(Descriptor descriptor) throws IOException {
        return document(descriptor.digest().toString());
    }

    private Document document(String selector) throws IOException {
        HttpGet.Answer answer = client.get("manifests/" + selector, Map.of("Accept", ACCEPT));
        try (InputStream in = new StallTimeoutInputStream(answer.body(), timers)) {
            errors.check(answer.status(), "manifest " + selector);
            byte[] content = ManifestResolver.bounded(in, limits.manifestBytes(), name());
            String type = answer.header("content-type").split(";", 2)[0].trim();
            // Some registries declare everything as plain JSON; the document must then declare its own type.
            return new Document(content, type.endsWith("/json") || type.equals("text/plain") ? "" : type);
        }
    }

    @Override
    public Part open(Descriptor blob, long offset) throws IOException {
        String path = "blobs/" + blob.digest();
        HttpGet.Answer answer = client.get(path, offset == 0 ? Map.of() : Map.of("Range", "bytes=" + offset + "-"));
        if (answer.status() == 416) {
            answer.close();
            answer = client.get(path, Map.of());
        }
        InputStream in = new StallTimeoutInputStream(answer.body(), timers);
        try {
            errors.check(answer.status(), "blob " + blob.digest());
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
        boolean rest = answer.status() == 206
                && answer.header("content-range").toLowerCase(Locale.ROOT).startsWith("bytes " + offset + "-");
        return new Part(in, rest ? offset : 0);
    }
}
