package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * The vectors of "Cryptography in NaCl" (its sections on {@code crypto_box}, which NaCl's own tests use), and
 * libsodium's results for the same keys.
 */
class NaclBoxTest {
    private static final byte[] BOBS_SECRET = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    private static final byte[] BOBS_PUBLIC = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    private static final byte[] ALICES_PUBLIC = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    private static final byte[] KEY = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
    private static final byte[] NONCE = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
    private static final byte[] PLAIN = hex("be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"
            + "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057"
            + "e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864"
            + "5e0705");
    private static final byte[] BOX = hex("f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"
            + "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738"
            + "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3"
            + "7973f622a43d14a6599b1f654cb45a74e355a5");

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    private static byte[] joined(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    @Test
    void secretbox_ofTheVector_isTheVectorsBoxBehindItsNonce() {
        assertThat(NaclBox.seal(KEY, NONCE, PLAIN)).isEqualTo(joined(NONCE, BOX));
        assertThat(NaclBox.open(KEY, joined(NONCE, BOX))).hasValue(PLAIN);
    }

    @Test
    void agreement_ofTheVectorsPairs_isTheVectorsKey() {
        assertThat(NaclBox.publicHalf(BOBS_SECRET)).isEqualTo(BOBS_PUBLIC);
        assertThat(NaclBox.sharedKey(BOBS_SECRET, ALICES_PUBLIC)).hasValue(KEY);
    }

    /** Made with libsodium's parts from the vector's pairs: Alice's is that of the one message. */
    @Test
    void sealedBox_ofLibsodium_opens_andForNobodyElse() {
        byte[] sealed = joined(ALICES_PUBLIC, hex("58f679f7b35844f7e4bbeee7d0f16bcbd3688ca4879a"));
        assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, sealed))
                .hasValue("to bob".getBytes(StandardCharsets.US_ASCII));
        assertThat(NaclBox.openSealed(KEY, NaclBox.publicHalf(KEY), sealed)).isEmpty();
    }

    @Test
    void boxes_changedAnywhere_doNotOpen() {
        byte[] sealed = NaclBox.seal(KEY, new byte[0]);
        byte[] toBob = NaclBox.sealTo(BOBS_PUBLIC, new byte[] {7});
        for (int i = 0; i < sealed.length; i++) {
            sealed[i] ^= 1;
            assertThat(NaclBox.open(KEY, sealed)).as("byte %d", i).isEmpty();
            sealed[i] ^= 1;
        }
        for (int i = 0; i < toBob.length; i++) {
            toBob[i] ^= 1;
            assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, toBob))
                    .as("byte %d", i)
                    .isEmpty();
            toBob[i] ^= 1;
        }
        assertThat(NaclBox.open(KEY, sealed)).hasValue(new byte[0]);
        assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, toBob)).hasValue(new byte[] {7});
    }

    /** The public keys of small order agree on zero with everybody: a box from one proves nothing. */
    @Test
    void sealedBox_fromAKeyThatAgreesOnZero_doesNotOpen() {
        byte[] sealed = new byte[64];
        assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, sealed)).isEmpty();
        sealed[0] = 1;
        assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, sealed)).isEmpty();
        assertThat(NaclBox.openSealed(BOBS_SECRET, BOBS_PUBLIC, new byte[47])).isEmpty();
    }
}
