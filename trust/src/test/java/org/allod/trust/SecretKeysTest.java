package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SecretKeysTest {
    @TempDir
    Path dir;

    private TrustFolder folder;

    @BeforeEach
    void open() {
        folder = new TrustFolder(dir);
    }

    @AfterEach
    void close() {
        folder.close();
    }

    private SecretKeys keys() {
        return folder.trust.secretKeys();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    private static byte[] repeated(int value, int count) {
        byte[] bytes = new byte[count];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource
    void key_ofEachType_doesWhatItIsFor_alsoAfterReopening(KeyType type) {
        keys().generate("shop", "k", type);
        byte[] text = bytes("the text");
        // NaCl's boxes have no associated data.
        byte[] associated = type == KeyType.XAES256GCM ? bytes("of order 7") : new byte[0];
        if (type.use == KeyType.Use.ENCRYPT) {
            byte[] sealed = keys().encrypt("shop", "k", text, associated);
            folder.close();
            folder = new TrustFolder(dir);
            assertThat(keys().decrypt("shop", "k", sealed, associated)).hasValue(text);
            if (type == KeyType.XAES256GCM) {
                assertThat(keys().decrypt("shop", "k", sealed, bytes("of order 8")))
                        .isEmpty();
            } else {
                assertThatThrownBy(() -> keys().decrypt("shop", "k", sealed, bytes("of order 8")))
                        .isInstanceOf(RejectedException.class)
                        .hasMessageContaining("associated_data");
                assertThatThrownBy(() -> keys().encrypt("shop", "k", text, bytes("of order 8")))
                        .hasMessageContaining("associated_data");
            }
            sealed[sealed.length - 1] ^= 1;
            assertThat(keys().decrypt("shop", "k", sealed, associated)).isEmpty();
            assertThat(keys().decrypt("shop", "k", new byte[3], associated)).isEmpty();
            assertThatThrownBy(() -> keys().sign("shop", "k", text)).hasMessageContaining("cannot sign");
        } else {
            byte[] signature = keys().sign("shop", "k", text);
            folder.close();
            folder = new TrustFolder(dir);
            assertThat(keys().verify("shop", "k", text, signature)).isTrue();
            assertThat(keys().verify("shop", "k", bytes("another"), signature)).isFalse();
            assertThat(keys().verify("shop", "k", text, new byte[0])).isFalse();
            signature[0] ^= 1;
            assertThat(keys().verify("shop", "k", text, signature)).isFalse();
            assertThatThrownBy(() -> keys().encrypt("shop", "k", text, associated))
                    .hasMessageContaining("cannot encrypt");
        }
    }

    /** Vectors of the C2SP specification. */
    @Test
    void xaes_givesWhatItsSpecificationSays() {
        byte[] nonce = bytes("ABCDEFGHIJKLMNOPQRSTUVWX");
        byte[] plain = bytes("XAES-256-GCM");
        assertThat(XaesGcm.seal(repeated(1, 32), nonce, plain, new byte[0]))
                .endsWith(hex("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"));
        assertThat(XaesGcm.seal(repeated(3, 32), nonce, plain, bytes("c2sp.org/XAES-256-GCM")))
                .endsWith(hex("986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"));
    }

    /** RFC 4231, test case 2, and RFC 8032, test 2. */
    @Test
    void broughtKeys_giveWhatTheStandardsSay() {
        // Shorter keys than 16 bytes are refused, so case 1 of the RFC, whose key has 20.
        keys().bring("shop", "hmac", KeyType.HS256, repeated(0x0b, 20));
        assertThat(keys().sign("shop", "hmac", bytes("Hi There")))
                .isEqualTo(hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
        // NaCl's own test of crypto_auth: the key of RFC 4231, test case 2, filled up with zeros.
        keys().bring("shop", "auth", KeyType.NACL_AUTH, Arrays.copyOf(bytes("Jefe"), 32));
        assertThat(keys().sign("shop", "auth", bytes("what do ya want for nothing?")))
                .isEqualTo(hex("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"));
        byte[] seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        byte[] open = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        byte[] pair = Arrays.copyOf(seed, 64);
        System.arraycopy(open, 0, pair, 32, 32);
        assertThat(keys().bring("shop", "ed", KeyType.NACL_SIGN, pair).key().open())
                .isEqualTo(open);
        assertThat(keys().sign("shop", "ed", hex("72")))
                .isEqualTo(hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
        pair[63] ^= 1;
        assertThatThrownBy(() -> keys().bring("shop", "ed", KeyType.NACL_SIGN, pair))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("a seed and the public half that belongs to it");
    }

    @Test
    void keys_shareTheVersionsOfSecrets_andAreNeverShown() throws Exception {
        byte[] planted = bytes("planted-key-planted-key-planted!");
        long first = keys().bring("shop", "k", KeyType.XAES256GCM, planted).version();
        long second = keys().generate("shop", "other", KeyType.ES256).version();
        assertThat(second).isEqualTo(first + 1);
        assertThat(keys().delete("shop", "other")).isEqualTo(second + 1);
        assertThat(folder.trust.secrets().version("shop")).isEqualTo(second + 1);
        assertThat(keys().list("shop")).hasSize(1);
        assertThat(TrustFolder.holding(dir, "planted-key")).isEmpty();
    }

    @Test
    void row_ofAnotherTypeOrPlace_doesNotOpen() {
        keys().generate("shop", "k", KeyType.HS256);
        keys().generate("shop", "l", KeyType.HS256);
        folder.database.write(tx -> tx.update("UPDATE secret_key SET type = 'nacl_auth' WHERE name = 'k'"));
        assertThatThrownBy(() -> keys().sign("shop", "k", new byte[1])).isInstanceOf(FailedException.class);
        folder.database.write(tx -> tx.update("UPDATE secret_key SET type = 'hs256', "
                + "sealed = (SELECT sealed FROM secret_key WHERE name = 'l') WHERE name = 'k'"));
        assertThatThrownBy(() -> keys().sign("shop", "k", new byte[1])).isInstanceOf(FailedException.class);
    }

    @Test
    void badInput_saysWhat_andChangesNothing() {
        long before = keys().version("shop");
        assertThatThrownBy(() -> keys().bring("shop", "k", KeyType.XAES256GCM, new byte[31]))
                .hasMessageContaining("a key of type xaes256gcm is 32 bytes");
        assertThatThrownBy(() -> keys().bring("shop", "k", KeyType.HS256, new byte[15]))
                .hasMessageContaining("16 to 1024 bytes");
        assertThatThrownBy(() -> keys().bring("shop", "k", KeyType.ES256, new byte[32]))
                .hasMessageContaining("cannot be uploaded");
        assertThatThrownBy(() -> keys().generate("shop", "../k", KeyType.HS256)).hasMessageContaining("../k");
        assertThatThrownBy(() -> KeyType.parse("rot13")).hasMessageContaining("allowed are hs256");
        assertThat(KeyType.parse("SECRET_TYPE_KMS_HS512")).isEqualTo(KeyType.HS512);
        assertThat(KeyType.parse("SECRET_TYPE_KMS_NACL_BOX")).isEqualTo(KeyType.NACL_BOX);
        assertThatThrownBy(() -> keys().bring("shop", "k", KeyType.NACL_BOX, new byte[33]))
                .hasMessageContaining("a key of type nacl_box is 32 bytes");
        assertThat(KeyType.parse("encrypting")).isEqualTo(KeyType.XAES256GCM);
        assertThat(keys().version("shop")).isEqualTo(before);
        keys().generate("shop", "real", KeyType.HS256);
        assertThatThrownBy(() -> keys().sign("shop", "reel", new byte[1]))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.hint()).hasValue("did you mean real?"));
        assertThatThrownBy(() -> keys().sign("shop", "real", new byte[SecretKeys.MAX_TEXT + 1]))
                .hasMessageContaining("a key works on up to 1048576");
    }

    @Test
    void keys_ofOneApp_areBounded() {
        for (int i = 0; i < SecretKeys.MAX_COUNT; i++) {
            keys().generate("shop", "k" + i, KeyType.HS256);
        }
        assertThatThrownBy(() -> keys().generate("shop", "more", KeyType.HS256))
                .hasMessageContaining("100 secret keys, the most it may have");
        keys().generate("shop", "k0", KeyType.HS512);
        assertThat(keys().list("shop")).hasSize(SecretKeys.MAX_COUNT);
    }
}
