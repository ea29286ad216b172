package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import land.oras.ContainerRef;
import land.oras.auth.AuthProvider;
import land.oras.auth.AuthScheme;
import land.oras.auth.HttpClient;
import land.oras.auth.HttpClient.ResponseWrapper;
import land.oras.auth.Scope;
import land.oras.auth.Scopes;
import org.allod.base.Rejected;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * An image in a registry, by the distribution protocol. The library (ORAS) does the asking for tokens, the caching of
 * them and the following of redirects without leaking them; documents, ranges, bounds and digests are ours, since the
 * library reads documents of any length and starts a broken download over.
 *
 * <p>Built at the first pull: a daemon that pulls nothing does not load the library.
 *
 * @see <a href="https://github.com/opencontainers/distribution-spec">the OCI distribution specification</a>
 */
final class Registry implements Source {
    private static final int ATTEMPTS = 4;
    private static final int CONNECT_SECONDS = 20;
    private static final String ACCEPT = String.join(
            ", ", ImageJson.OCI_INDEX, ImageJson.OCI_MANIFEST, ImageJson.DOCKER_INDEX, ImageJson.DOCKER_MANIFEST);

    /** The library logs what it also throws, with a stack trace; once is enough. Held, or the setting is collected. */
    private static final java.util.logging.Logger LIBRARY = java.util.logging.Logger.getLogger("land.oras");

    static {
        LIBRARY.setLevel(java.util.logging.Level.OFF);
    }

    private final Reference reference;
    private final ContainerRef container;
    private final Scopes scopes;
    private final AuthProvider credentials;
    private final RegistryErrors errors;
    private final HttpClient client;
    private final Timers timers;
    private final Limits limits;

    Registry(
            Reference reference,
            Optional<DockerAuth.Credentials> credentials,
            String place,
            Timers timers,
            Limits limits) {
        this.reference = reference;
        this.container = ContainerRef.parse(reference.toString());
        this.scopes = Scopes.of(container, Scope.PULL);
        this.credentials = new Login(credentials);
        this.errors = new RegistryErrors(reference, credentials, place);
        this.client = HttpClient.Builder.builder().withTimeout(CONNECT_SECONDS).build();
        this.timers = timers;
        this.limits = limits;
    }

    @Override
    public String name() {
        return reference.toString();
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
                throw Rejected.invalid(name() + " was delivered with other content (" + got + ")");
            }
        }
        return document;
    }

    @Override
    public Document manifest(Descriptor descriptor) throws IOException {
        return document(descriptor.digest().toString());
    }

    private Document document(String selector) throws IOException {
        ResponseWrapper<InputStream> answer = get("manifests/" + selector, Map.of("Accept", ACCEPT));
        try (InputStream in = new StallGuard(answer.response(), timers)) {
            errors.check(answer, "manifest " + selector);
            byte[] content = Documents.bounded(in, limits.manifestBytes(), name());
            String type = header(answer, "content-type").split(";", 2)[0].trim();
            // Some registries hand out everything as plain JSON; then the document must say itself what it is.
            return new Document(content, type.endsWith("/json") || type.equals("text/plain") ? "" : type);
        }
    }

    @Override
    public Part open(Descriptor blob, long offset) throws IOException {
        String path = "blobs/" + blob.digest();
        ResponseWrapper<InputStream> answer =
                get(path, offset == 0 ? Map.of() : Map.of("Range", "bytes=" + offset + "-"));
        if (answer.statusCode() == 416) {
            answer.response().close();
            answer = get(path, Map.of());
        }
        InputStream in = new StallGuard(answer.response(), timers);
        try {
            errors.check(answer, "blob " + blob.digest());
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
        boolean rest = answer.statusCode() == 206
                && header(answer, "content-range").toLowerCase(Locale.ROOT).startsWith("bytes " + offset + "-");
        return new Part(in, rest ? offset : 0);
    }

    private ResponseWrapper<InputStream> get(String path, Map<String, String> headers) throws IOException {
        String scheme = reference.loopback() ? "http://" : "https://";
        URI uri = URI.create(scheme + container.getApiRegistry() + "/v2/" + reference.repository() + "/" + path);
        return Deadline.call(
                "asking " + reference.registry(),
                () -> client.download(uri, new HashMap<>(headers), scopes, credentials),
                errors);
    }

    private static String header(ResponseWrapper<?> answer, String name) {
        for (Map.Entry<String, String> header : answer.headers().entrySet()) {
            if (header.getKey().equalsIgnoreCase(name)) {
                return header.getValue();
            }
        }
        return "";
    }

    /** In the library's words. */
    private record Login(Optional<DockerAuth.Credentials> credentials) implements AuthProvider {
        @Override
        public @Nullable String getAuthHeader(ContainerRef registry) {
            return credentials.map(DockerAuth.Credentials::basic).orElse(null);
        }

        @Override
        public AuthScheme getAuthScheme() {
            return credentials.isPresent() ? AuthScheme.BASIC : AuthScheme.NONE;
        }
    }
}
