package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import org.allod.machine.RawPorts;
import org.junit.jupiter.api.Test;

class TenantOptionsTest {
    private static TenantOptions read(String... words) {
        return HostConfig.parse(List.of(words), Map.of()).tenants();
    }

    @Test
    void options_leftOut_leaveTokensTheLeast() {
        TenantOptions usual = read();
        assertThat(usual.registries()).isEmpty();
        assertThat(usual.operatorCredentials()).isFalse();
        assertThat(usual.ports()).isEqualTo(new RawPorts(10_000, 32_767, java.util.Set.of()));
        assertThat(usual.roots()).isEmpty();
    }

    @Test
    void options_areRead_eachBySelf() {
        TenantOptions all = read(
                "--app-registries",
                "registry.corp:5000,10.0.0.0/8",
                "--app-registry-credentials",
                "operator",
                "--app-ports",
                "none",
                "--app-cert-roots",
                "/etc/roots.pem");
        assertThat(all)
                .isEqualTo(new TenantOptions(
                        "registry.corp:5000,10.0.0.0/8",
                        true,
                        RawPorts.NONE,
                        java.util.Optional.of(Path.of("/etc/roots.pem"))));
    }

    @Test
    void options_thatMakeNoSense_areRefused() {
        for (String[] words : new String[][] {
            {"--app-registries", "a b"},
            {"--app-registry-credentials", "mine"},
            {"--app-ports", "80"},
            {"--app-ports"},
        }) {
            assertThatThrownBy(() -> read(words)).isInstanceOf(RejectedException.class);
        }
    }
}
