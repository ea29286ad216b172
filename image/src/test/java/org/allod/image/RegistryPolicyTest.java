package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

class RegistryPolicyTest {
    private static InetAddress address(String text) throws Exception {
        return InetAddress.getByName(text);
    }

    @Test
    void addressesOfThisHostItsNetworksAndClouds_areKeptFromApps() throws Exception {
        for (String text : List.of(
                "127.0.0.1",
                "127.9.9.9",
                "0.0.0.0",
                "10.0.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "100.100.100.200",
                "169.254.169.254",
                "168.63.129.16",
                "192.0.0.192",
                "198.18.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "::1",
                "::",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::127.0.0.1",
                "64:ff9b::7f00:1",
                "2002:7f00:1::1",
                "2001::1",
                "2001:db8::1",
                "fe80::1",
                "fec0::1",
                "fd00:ec2::254",
                "fc00::1",
                "ff02::1")) {
            assertThat(RegistryPolicy.USUAL.allows("registry.example", 443, address(text)))
                    .as(text)
                    .isFalse();
        }
        for (String text : List.of("1.1.1.1", "172.32.0.1", "100.128.0.1", "168.63.129.17", "2606:4700::1111")) {
            assertThat(RegistryPolicy.USUAL.allows("registry.example", 443, address(text)))
                    .as(text)
                    .isTrue();
        }
    }

    @Test
    void whatTheOperatorLists_isAllowed_andNothingBeside() throws Exception {
        RegistryPolicy policy = RegistryPolicy.parse(
                "Registry.corp:5000, mirror.corp, 10.1.0.0/16,fd12::/32,10.7.0.1:80,[fd99::1]:80", false);
        assertThat(policy.allows("registry.corp", 5000, address("10.9.0.1"))).isTrue();
        assertThat(policy.allows("registry.corp", 443, address("10.9.0.1"))).isFalse();
        assertThat(policy.allows("10.7.0.1", 80, address("10.7.0.1"))).isTrue();
        assertThat(policy.allows("10.7.0.1", 81, address("10.7.0.1"))).isFalse();
        assertThat(policy.allows("fd99::1", 80, address("fd99::1"))).isTrue();
        assertThat(policy.allows("mirror.corp", 443, address("10.9.0.1"))).isTrue();
        assertThat(policy.allows("other", 443, address("10.1.255.1"))).isTrue();
        assertThat(policy.allows("other", 443, address("10.2.0.1"))).isFalse();
        assertThat(policy.allows("other", 443, address("fd12::1"))).isTrue();
        assertThat(policy.allows("other", 443, address("fd13::1"))).isFalse();
    }

    @Test
    void hostWithoutAPort_opensThoseOfRegistriesOnly() throws Exception {
        RegistryPolicy policy = RegistryPolicy.parse("mirror.corp", false);
        InetAddress inside = address("10.7.0.2");
        assertThat(List.of(22, 80, 443, 5000, 6379))
                .filteredOn(port -> policy.allows("mirror.corp", port, inside))
                .containsExactly(80, 443);
    }

    @Test
    void listThatMakesNoSense_isRefused() {
        for (String text : List.of("10.0.0.0/33", "10.0.0/8x", "a b", "x,,y", "10.1.0.0/-1")) {
            assertThatThrownBy(() -> RegistryPolicy.parse(text, false)).as(text).isInstanceOf(RejectedException.class);
        }
    }
}
