package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import org.allod.base.ConnectionCaps.Verdict;
import org.junit.jupiter.api.Test;

class ConnectionCapsTest {
    private static InetAddress address(String text) throws Exception {
        return InetAddress.getByName(text);
    }

    @Test
    void oneAddress_takesItsShareAndNoMore_othersStillEnter() throws Exception {
        ConnectionCaps caps = new ConnectionCaps(10, 3, 1);
        for (int i = 0; i < 3; i++) {
            assertThat(caps.enter(address("192.0.2.1"))).isEqualTo(Verdict.ADMITTED);
        }
        assertThat(caps.enter(address("192.0.2.1"))).isEqualTo(Verdict.TOO_MANY_FROM_ADDRESS);
        assertThat(caps.enter(address("192.0.2.2"))).isEqualTo(Verdict.ADMITTED);
        caps.leave(address("192.0.2.1"));
        assertThat(caps.enter(address("192.0.2.1"))).isEqualTo(Verdict.ADMITTED);
        assertThat(caps.open()).isEqualTo(4);
        assertThat(caps.refusedByAddress()).isEqualTo(1);
        assertThat(caps.refused()).isZero();
    }

    @Test
    void addressWithItsShare_isToldSo_alsoWhereAllIsFull_andTakesNoPlaceOfOthers() throws Exception {
        ConnectionCaps caps = new ConnectionCaps(3, 2, 1);
        for (String from : new String[] {"192.0.2.1", "192.0.2.1", "192.0.2.2"}) {
            assertThat(caps.enter(address(from))).isEqualTo(Verdict.ADMITTED);
        }
        assertThat(caps.enter(address("192.0.2.1"))).isEqualTo(Verdict.TOO_MANY_FROM_ADDRESS);
        assertThat(caps.enter(address("192.0.2.2"))).isEqualTo(Verdict.TOO_MANY);
        caps.leave(address("192.0.2.1"));
        assertThat(caps.enter(address("192.0.2.2")))
                .as("nothing was counted twice")
                .isEqualTo(Verdict.ADMITTED);
        assertThat(caps.open()).isEqualTo(3);
    }

    @Test
    void addressesOfOneSlash64_countAsOne() throws Exception {
        ConnectionCaps caps = new ConnectionCaps(10, 2, 1);
        assertThat(caps.enter(address("2001:db8:0:1::1"))).isEqualTo(Verdict.ADMITTED);
        assertThat(caps.enter(address("2001:db8:0:1:ffff::2"))).isEqualTo(Verdict.ADMITTED);
        assertThat(caps.enter(address("2001:db8:0:1:aaaa::3"))).isEqualTo(Verdict.TOO_MANY_FROM_ADDRESS);
        assertThat(caps.enter(address("2001:db8:0:2::1"))).isEqualTo(Verdict.ADMITTED);
    }

    @Test
    void overall_isBounded_andRefusalsAreNotCountedAsOpen() throws Exception {
        ConnectionCaps caps = new ConnectionCaps(100, 100, 7);
        for (int i = 0; i < 300; i++) {
            caps.enter(address("10.0." + (i >> 8) + "." + (i & 0xff)));
        }
        assertThat(caps.open()).isEqualTo(100);
        assertThat(caps.refused()).isEqualTo(200);
        for (int i = 0; i < 100; i++) {
            caps.leave(address("10.0.0." + i));
        }
        assertThat(caps.open()).isZero();
        assertThat(caps.enter(address("10.0.0.1"))).isEqualTo(Verdict.ADMITTED);
    }

    /** Ten thousand addresses spread so that hardly any meets a counter that others filled. */
    @Test
    void manyAddresses_shareCountersEvenly() throws Exception {
        ConnectionCaps caps = new ConnectionCaps(10_000, 8, 42);
        for (int i = 0; i < 10_000; i++) {
            assertThat(caps.enter(address("10.1." + (i >> 8) + "." + (i & 0xff))))
                    .isEqualTo(Verdict.ADMITTED);
        }
    }
}
