package org.allod.image;

import java.io.IOException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Sends requests for one repository to one registry: answers its challenge with the credentials or with a token
 * obtained for them, and follows redirects without sending either along. Never downgrades from TLS to clear text.
 *
 * @see <a href="https://distribution.github.io/distribution/spec/auth/token/">the token protocol</a>
 */
final class RegistryClient {
    private static final int REDIRECTS = 5;
    private static final int TOKEN_BYTES = 1 << 20;
    private static final Pattern BEARER = Pattern.compile("(?i)(?:^|,\\s*)Bearer\\s+");
    private static final Pattern PARAMETER = Pattern.compile("([A-Za-z]+)\\s*=\\s*\"([^\"]*)\"");

    private final ImageReference reference;
    private final Optional<DockerAuth.Credentials> credentials;
    private final HttpGet http;
    private final RegistryErrors errors;
    private volatile @Nullable String authorization;

    RegistryClient(
            ImageReference reference,
            Optional<DockerAuth.Credentials> credentials,
            HttpGet http,
            RegistryErrors errors) {
        this.reference = reference;
        this.credentials = credentials;
        this.http = http;
        this.errors = errors;
    }

    /** The response to {@code GET /v2/REPOSITORY/path}, whatever its status. */
    HttpGet.Answer get(String path, Map<String, String> headers) throws IOException {
        String host = reference.registry().equals("docker.io") ? "registry-1.docker.io" : reference.registry();
        String scheme = reference.loopback() ? "http" : "https";
        URI uri = URI.create(scheme + "://" + host + "/v2/" + reference.repository() + "/" + path);
        if (uri.getHost() == null || uri.getPort() > 65_535) {
            throw RejectedException.invalid(
                    "\"" + UntrustedText.printable(reference.registry()) + "\" is no registry's host and port");
        }
        try {
            @Nullable String shown = authorization;
            HttpGet.Answer answer = http.send(uri, with(headers, shown));
            if (answer.status() == 401) {
                Optional<String> proof = proof(answer.header("www-authenticate"), uri);
                if (proof.isPresent() && !proof.get().equals(shown)) {
                    answer.close();
                    authorization = proof.get();
                    answer = http.send(uri, with(headers, proof.get()));
                }
            }
            return redirected(answer, uri, headers);
        } catch (IOException e) {
            throw errors.translate(e);
        }
    }

    private static Map<String, String> with(Map<String, String> headers, @Nullable String authorization) {
        Map<String, String> all = new HashMap<>(headers);
        if (authorization != null) {
            all.put("Authorization", authorization);
        }
        return all;
    }

    private HttpGet.Answer redirected(HttpGet.Answer first, URI from, Map<String, String> headers) throws IOException {
        HttpGet.Answer answer = first;
        URI at = from;
        for (int hop = 0; isRedirect(answer.status()); hop++) {
            answer.close();
            if (hop == REDIRECTS) {
                throw new ProtocolException("it redirects more than " + REDIRECTS + " times");
            }
            URI next = target(at, answer.header("location"));
            boolean same = next.getScheme().equals(at.getScheme())
                    && String.valueOf(next.getRawAuthority()).equals(at.getRawAuthority());
            at = next;
            answer = http.send(at, with(headers, same ? authorization : null));
        }
        return answer;
    }

    private static boolean isRedirect(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    /** Resolves a redirect's absolute URL; a redirect from TLS to clear text is refused. */
    private static URI target(URI from, String location) throws IOException {
        try {
            URI next = from.resolve(location);
            boolean secure = "https".equals(next.getScheme());
            boolean plain = "http".equals(next.getScheme()) && from.getScheme().equals("http");
            if ((secure || plain) && next.getHost() != null && next.getUserInfo() == null) {
                return next;
            }
        } catch (IllegalArgumentException e) {
            // Reported below.
        }
        throw new ProtocolException(
                "it sends us to an address that cannot be asked: " + UntrustedText.printable(location));
    }

    /** The Authorization value that answers the challenge; empty without credentials for it. */
    private Optional<String> proof(String challenge, URI at) throws IOException {
        Matcher bearer = BEARER.matcher(challenge);
        if (bearer.find()) {
            Map<String, String> said = new HashMap<>();
            Matcher parameters = PARAMETER.matcher(challenge).region(bearer.end(), challenge.length());
            while (parameters.find()) {
                said.putIfAbsent(parameters.group(1).toLowerCase(java.util.Locale.ROOT), parameters.group(2));
            }
            return Optional.of(token(said.getOrDefault("realm", ""), said.getOrDefault("service", ""), at));
        }
        return credentials.map(DockerAuth.Credentials::basic);
    }

    /** Obtains a token to pull this repository and nothing else, whatever scope the challenge names. */
    private String token(String realm, String service, URI at) throws IOException {
        String query = "scope=" + encode("repository:" + reference.repository() + ":pull")
                + (service.isEmpty() ? "" : "&service=" + encode(service));
        URI uri = target(at, realm + (realm.contains("?") ? "&" : "?") + query);
        Map<String, String> headers = new HashMap<>(Map.of("Accept", "application/json"));
        credentials.ifPresent(known -> headers.put("Authorization", known.basic()));
        try (HttpGet.Answer answer = http.send(uri, headers)) {
            errors.check(answer.status(), "a token");
            JsonNode json = OciJson.parse(answer.body().readNBytes(TOKEN_BYTES), "token");
            String token = OciJson.text(json, "token", OciJson.text(json, "access_token", ""));
            if (token.isEmpty() || !token.matches("[!-~]+")) {
                throw new ProtocolException("its token service gave no token");
            }
            return "Bearer " + token;
        } catch (RejectedException e) {
            if (e.reason() == RejectedException.Reason.INVALID) {
                throw new ProtocolException("its token service gave no token");
            }
            throw e;
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("%3A", ":")
                .replace("%2F", "/");
    }
}
