package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

class NetlinkResponseTest {
    private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private static ByteBuffer bytes(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    }

    @Test
    void message_written_hasTheBytesOfTheKernelsHeaders() {
        byte[] message = new NetlinkMessage("do it", 0x1234, NetlinkMessage.ACK)
                .u8(10, 128, 2, 0)
                .u32(7)
                .put(3, "lo")
                .nest(18, inside -> inside.put(1, new byte[] {5}).put(2, 0x01020304L))
                .sealed(0x99);
        assertThat(LITTLE).as("the bytes below are of a little-endian machine").isTrue();
        assertThat(HexFormat.of().formatHex(message))
                .isEqualTo("34000000" + "3412" + "0500" + "99000000" + "00000000" // length, type, flags, number, port
                        + "0a800200" + "07000000" // the fixed part
                        + "0700" + "0300" + "6c6f0000" // "lo" and its zero, padded
                        + "1400" + "1280" // nested
                        + "0500" + "0100" + "05000000"
                        + "0800" + "0200" + "04030201");
    }

    @Test
    void message_ofManyAttributes_growsAndIsReadBack() {
        NetlinkMessage message = new NetlinkMessage("do it", 1, 0).u32(0);
        for (int i = 1; i <= 100; i++) {
            message.put(i, "value number " + i);
        }
        List<NetlinkResponse> answers = NetlinkResponse.parse(bytes(message.sealed(5)));
        assertThat(answers).hasSize(1);
        Map<Integer, byte[]> attributes = answers.getFirst().attributesAfter(4);
        assertThat(attributes).hasSize(100);
        assertThat(NetlinkResponse.text(attributes.get(77))).isEqualTo("value number 77");
        assertThatThrownBy(() -> message.put(1, new byte[1 << 16])).isInstanceOf(IllegalArgumentException.class);
    }

    private static byte[] error(int flags, int errno, byte[] rest) {
        ByteBuffer out = ByteBuffer.allocate(16 + 4 + rest.length).order(ByteOrder.nativeOrder());
        out.putInt(out.capacity()).putShort((short) NetlinkResponse.ERROR).putShort((short) flags);
        out.putInt(3).putInt(0).putInt(-errno).put(rest);
        return out.array();
    }

    /** A request's header, then a text. */
    private static byte[] told(int echoed, String text) {
        byte[] words = Arrays.copyOf(text.getBytes(StandardCharsets.UTF_8), text.length() + 1);
        ByteBuffer out = ByteBuffer.allocate(16 + 4 + words.length).order(ByteOrder.nativeOrder());
        out.putInt(echoed).putInt(0).putInt(0).putInt(0);
        out.putShort((short) (4 + words.length)).putShort((short) 1).put(words);
        return out.array();
    }

    @Test
    void error_withTheKernelsWords_givesThem() {
        NetlinkResponse capped = NetlinkResponse.parse(bytes(error(0x300, 22, told(400, "no such thing"))))
                .getFirst();
        assertThat(capped.error()).isEqualTo(22);
        assertThat(capped.sequence()).isEqualTo(3);
        assertThat(capped.reason()).isEqualTo("no such thing");
        NetlinkResponse whole =
                NetlinkResponse.parse(bytes(error(0x200, 22, told(16, "why")))).getFirst();
        assertThat(whole.reason()).isEqualTo("why");
        assertThat(NetlinkResponse.parse(bytes(error(0, 0, new byte[16])))
                        .getFirst()
                        .reason())
                .isEmpty();
    }

    @Test
    void answer_whoseLengthsLie_isAFailureAndNoReading() {
        for (int length : new int[] {0, 15, 21, 1 << 30, -1}) {
            byte[] lying = error(0, 1, new byte[0]);
            bytes(lying).putInt(0, length);
            assertThatThrownBy(() -> NetlinkResponse.parse(bytes(lying)))
                    .as("length %d", length)
                    .isInstanceOf(FailedException.class);
        }
        NetlinkResponse overlong = NetlinkResponse.parse(bytes(error(0x200, 22, told(4000, "why"))))
                .getFirst();
        assertThatThrownBy(overlong::reason).isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> NetlinkResponse.attributes(bytes(new byte[] {3, 0, 1, 0})))
                .isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> NetlinkResponse.attributes(bytes(new byte[] {9, 0, 1, 0})))
                .isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> NetlinkResponse.attributes(bytes(new byte[] {9, 0, 1})))
                .isInstanceOf(FailedException.class);
    }

    /** Whatever the bytes, the end is a reading or a failure, never anything else. */
    @Test
    void answers_ofAnyBytes_areReadOrRefused() {
        Campaign.of("netlink").play(1, NetlinkResponseTest::parseNoise);
    }

    private static void parseNoise(long seed) {
        Rng rng = Rng.seeded(seed);
        int read = 0;
        int refused = 0;
        for (int i = 0; i < 200_000; i++) {
            byte[] noise = i % 2 == 0 ? error(0x200 + (i & 0x100), 22, told(16, "why")) : new byte[rng.nextInt(80)];
            for (int n = rng.nextInt(8); n > 0 && noise.length > 0; n--) {
                noise[rng.nextInt(noise.length)] = (byte) (rng.nextInt(4) == 0 ? rng.nextInt(256) : rng.nextInt(24));
            }
            try {
                for (NetlinkResponse answer : NetlinkResponse.parse(bytes(noise))) {
                    var _ = answer.error();
                    var _ = answer.reason();
                    var _ = LinkRequest.of(answer);
                }
                read++;
            } catch (FailedException e) {
                refused++;
            }
        }
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
    }
}
