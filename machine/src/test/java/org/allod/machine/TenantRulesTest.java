package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

class TenantRulesTest {
    private final TenantRules rules = new TenantRules(
            new FakeImages(), RawPorts.parse("21000-21009").without(Set.of(4280, 21_005)), new MachineIndex());

    private static MachineConfig port(String port) {
        return TestHost.config(
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{%s}]}]}".formatted(port));
    }

    @Test
    void ports_ofRawBytes_areInTheRange_forTokens() {
        for (String good : List.of(
                "\"port\":21000",
                "\"start_port\":21006,\"end_port\":21009",
                "\"port\":80,\"handlers\":[\"http\"]",
                "\"port\":443,\"handlers\":[\"tls\",\"http\"]",
                "\"port\":8080,\"handlers\":[\"http\"]")) {
            assertThatCode(() -> rules.check(port(good), "shop", true)).as(good).doesNotThrowAnyException();
        }
        for (String bad : List.of(
                "\"port\":20999",
                "\"port\":21010,\"handlers\":[\"tls\"]",
                "\"start_port\":21009,\"end_port\":21010",
                "\"port\":25,\"handlers\":[\"http\"]")) {
            assertThatThrownBy(() -> rules.check(port(bad), "shop", true))
                    .as(bad)
                    .isInstanceOfSatisfying(
                            RejectedException.class,
                            e -> org.assertj.core.api.Assertions.assertThat(e.reason())
                                    .isEqualTo(RejectedException.Reason.FORBIDDEN))
                    .hasMessageContaining("config.services[0].ports[0]");
            assertThatCode(() -> rules.check(port(bad), "shop", false)).as(bad).doesNotThrowAnyException();
        }
    }

    @Test
    void ports_ofTheHostItself_areNobodys() {
        for (boolean tenant : new boolean[] {true, false}) {
            for (String own : List.of("\"port\":4280", "\"start_port\":21004,\"end_port\":21006")) {
                assertThatThrownBy(() -> rules.check(port(own), "shop", tenant))
                        .hasMessageContaining("where this host's own API or edge is");
            }
        }
    }

    @Test
    void images_ofTheOperators_areRefusedWhereverTheyAreNamed() {
        for (String config : List.of(
                "{\"image\":\"oci:/x\"}",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"image\":\"oci:/x\"}]}",
                "{\"image\":\"web\",\"files\":[{\"guest_path\":\"/a\",\"image_config\":\"oci:/x\"}]}")) {
            assertThatThrownBy(() -> rules.check(TestHost.config(config), "shop", true))
                    .as(config)
                    .hasMessageContaining("config.");
            assertThatCode(() -> rules.check(TestHost.config(config), "shop", false))
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void range_thatMakesNoSense_isRefused() {
        for (String text : List.of("", "10-5", "0-5", "1-70000", "80", "a-b")) {
            assertThatThrownBy(() -> RawPorts.parse(text)).as(text).isInstanceOf(RejectedException.class);
        }
    }
}
