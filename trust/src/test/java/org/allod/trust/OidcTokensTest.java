package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class OidcTokensTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path dir;

    private static ObjectNode claims() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("iss", "https://here")
                .put("sub", "personal:shop:one")
                .put("aud", "there");
    }

    /** As a service elsewhere checks it: from the token and the published keys alone. */
    private static boolean holds(String token, JsonNode keys) throws Exception {
        String[] parts = token.split("\\.");
        JsonNode key = keys.get("keys").get(0);
        JsonNode head = JSON.readTree(Base64.getUrlDecoder().decode(parts[0]));
        if (!head.get("kid").equals(key.get("kid"))
                || !head.get("alg").stringValue().equals("RS256")) {
            return false;
        }
        PublicKey open = KeyFactory.getInstance("RSA")
                .generatePublic(new RSAPublicKeySpec(number(key.get("n")), number(key.get("e"))));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(open);
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        return signature.verify(Base64.getUrlDecoder().decode(parts[2]));
    }

    private static BigInteger number(JsonNode base64) {
        return new BigInteger(1, Base64.getUrlDecoder().decode(base64.stringValue()));
    }

    @Test
    void token_isCheckedWithThePublishedKeys_alsoAfterReopening() throws Exception {
        String token;
        try (TrustFolder folder = new TrustFolder(dir)) {
            token = folder.trust.identities().token(claims());
            assertThat(holds(token, folder.trust.identities().keys())).isTrue();
            String[] parts = token.split("\\.");
            String other = Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString("{\"sub\":\"personal:bank:one\"}".getBytes(StandardCharsets.UTF_8));
            assertThat(holds(
                            parts[0] + "." + other + "." + parts[2],
                            folder.trust.identities().keys()))
                    .isFalse();
        }
        try (TrustFolder folder = new TrustFolder(dir)) {
            assertThat(holds(token, folder.trust.identities().keys())).isTrue();
        }
    }

    @Test
    void token_livesTenMinutes_andHasANumberOfItsOwn() throws Exception {
        try (TrustFolder folder = new TrustFolder(dir)) {
            JsonNode one = body(folder.trust.identities().token(claims()));
            JsonNode two = body(folder.trust.identities().token(claims()));
            long now = folder.time.wall().getEpochSecond();
            assertThat(one.get("exp").longValue()).isEqualTo(now + 600);
            assertThat(one.get("nbf").longValue()).isEqualTo(now);
            assertThat(one.get("sub").stringValue()).isEqualTo("personal:shop:one");
            assertThat(one.get("jti")).isNotEqualTo(two.get("jti"));
        }
    }

    private static JsonNode body(String token) {
        return JSON.readTree(Base64.getUrlDecoder().decode(token.split("\\.")[1]));
    }
}
