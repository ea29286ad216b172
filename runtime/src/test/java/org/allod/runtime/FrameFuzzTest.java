package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

/** What a hostile guest can do to the decoder and the ledger. For longer: {@code ./allod soak frames}. */
class FrameFuzzTest {
    private static final Campaign CAMPAIGN = Campaign.of("frames");

    private static byte[] frame(int type, byte[] payload) {
        return ByteBuffer.allocate(8 + payload.length)
                .put((byte) 1)
                .put((byte) type)
                .putShort((short) 0)
                .putInt(payload.length)
                .put(payload)
                .array();
    }

    private static byte[] welcome(long nonce) {
        return frame(
                GuestProtocol.WELCOME,
                ByteBuffer.allocate(37)
                        .putLong(GuestProtocol.MAGIC)
                        .putLong(nonce)
                        .putLong(5)
                        .put((byte) 1)
                        .putInt(7)
                        .putLong(0)
                        .array());
    }

    private static List<GuestFrame> feed(FrameReader reader, byte[] bytes) {
        List<GuestFrame> frames = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
            int count = Math.min(bytes.length - at, reader.room().remaining());
            assertThat(count).as("there is always room").isPositive();
            reader.room().put(bytes, at, count);
            at += count;
            for (var f = reader.next(); f.isPresent(); f = reader.next()) {
                frames.add(f.get());
            }
        }
        return frames;
    }

    @Test
    void reader_randomBytesAfterTheGreeting_endInFramesOrOneClearReason() {
        CAMPAIGN.play(1, FrameFuzzTest::decodeNoise);
    }

    private static void decodeNoise(long seed) {
        Random random = new Random(seed);
        int broken = 0;
        for (int round = 0; round < 20_000; round++) {
            FrameReader reader = new FrameReader();
            ChannelFlowControl ledger = new ChannelFlowControl(9);
            ledger.sent(new HostFrame.Run(1, new byte[0]));
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            if (random.nextBoolean() && noise.length > 8) {
                // Likely headers, or nothing past the first byte is ever reached.
                int[] types = {0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x8b};
                ByteBuffer.wrap(noise)
                        .put((byte) 1)
                        .put((byte) types[random.nextInt(types.length)])
                        .putShort((short) 0)
                        .putInt(random.nextInt(noise.length));
            }
            try {
                feed(reader, welcome(9)).forEach(ledger::admit);
                feed(reader, noise).forEach(ledger::admit);
            } catch (ProtocolViolationException e) {
                assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(300);
                broken++;
            }
        }
        assertThat(broken).isPositive();
    }

    @Test
    void reader_greetingCutAnywhereAfterNoise_isFound() {
        Random random = new Random(CAMPAIGN.seed());
        for (int round = 0; round < 500; round++) {
            byte[] noise = new byte[random.nextInt(5000)];
            random.nextBytes(noise);
            FrameReader reader = new FrameReader();
            assertThat(feed(reader, noise)).isEmpty();
            byte[] greeting = welcome(3);
            List<GuestFrame> got = new ArrayList<>();
            for (byte b : greeting) {
                got.addAll(feed(reader, new byte[] {b}));
            }
            assertThat(got).containsExactly(new GuestFrame.Welcome(3, 5, GuestFrame.State.RUNNING, 7, 0));
        }
    }

    @Test
    void reader_endlessNoise_isCutOff() {
        FrameReader reader = new FrameReader();
        byte[] noise = new byte[1 << 16];
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        feed(reader, noise);
                    }
                })
                .isInstanceOf(ProtocolViolationException.class);
    }

    @Test
    void ledger_moreThanAWindow_isCutOff() {
        ChannelFlowControl ledger = new ChannelFlowControl(9);
        ledger.admit(new GuestFrame.Welcome(9, 5, GuestFrame.State.RUNNING, 7, 100));
        byte[] piece = new byte[1 << 16];
        for (int i = 0; i < 4; i++) {
            ledger.admit(new GuestFrame.Output(100 + ((long) i << 16), 1, piece));
        }
        assertThatThrownBy(() -> ledger.admit(new GuestFrame.Output(100 + (4L << 16), 1, piece)))
                .isInstanceOf(ProtocolViolationException.class)
                .hasMessageContaining("window");
        ledger.sent(new HostFrame.Ack(100 + (2L << 16)));
        assertThatThrownBy(() -> ledger.admit(new GuestFrame.Output(100, 1, piece)))
                .hasMessageContaining("output at 100");
    }

    @Test
    void ledger_whatNobodyAskedFor_isCutOff() {
        ChannelFlowControl ledger = new ChannelFlowControl(9);
        assertThatThrownBy(() -> ledger.admit(new GuestFrame.Pong(1))).hasMessageContaining("before the greeting");
        assertThatThrownBy(() -> ledger.admit(new GuestFrame.Welcome(8, 5, GuestFrame.State.UNSET, 0, 0)))
                .hasMessageContaining("somebody else");
        ledger.admit(new GuestFrame.Welcome(9, 5, GuestFrame.State.UNSET, 0, 0));
        for (GuestFrame frame : List.of(
                new GuestFrame.Pong(1),
                new GuestFrame.Started(1),
                new GuestFrame.Released(),
                new GuestFrame.Data(1, 1, new byte[1]),
                new GuestFrame.Exited(3, new ExitStatus(0, 0, false)),
                new GuestFrame.Grant(1, 1),
                new GuestFrame.Lost(0, 0))) {
            assertThatThrownBy(() -> ledger.admit(frame)).isInstanceOf(ProtocolViolationException.class);
        }
    }

    @Test
    void ledger_whatWasOnItsWayWhenACommandWasClosed_isIgnoredWithinReason() {
        ChannelFlowControl ledger = new ChannelFlowControl(9);
        ledger.admit(new GuestFrame.Welcome(9, 5, GuestFrame.State.RUNNING, 7, 0));
        ledger.sent(new HostFrame.Run(1, new byte[0]));
        ledger.sent(new HostFrame.Close(1));
        assertThat(ledger.admit(new GuestFrame.Data(1, 1, new byte[1000]))).isFalse();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        ledger.admit(new GuestFrame.Data(1, 1, new byte[1]));
                    }
                })
                .isInstanceOf(ProtocolViolationException.class);
    }
}
