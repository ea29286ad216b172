package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostNameTest {
    @ParameterizedTest
    @CsvSource({
        "hello.localhost, hello",
        "HELLO.LocalHost:8080, hello",
        "hello.localhost., hello",
        "hello.localhost.:80, hello",
        "a-b_c.localhost, a-b_c",
        "localhost, ''",
        ".localhost, ''",
        "a.b.localhost, ''",
        "hello.localhost.example.com, ''",
        "hellolocalhost, ''",
        "[::1]:8080, ''",
        "127.0.0.1, ''"
    })
    void app_ofHost_isTheLabelBeforeTheDomain(String host, String app) {
        assertThat(HostName.app(host, "localhost")).isEqualTo(app);
        assertThat(HostName.valid(host)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ":80", "a b", "a/b", "a@b", "a:b", "a:123456", "[::1", "[]:1", "[a/b]", "h\u00e4", "a,b"})
    void valid_whatIsNoHost_isFalse(String host) {
        assertThat(HostName.valid(host)).isFalse();
    }
}
