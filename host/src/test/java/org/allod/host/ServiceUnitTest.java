package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the daemon tells systemd. */
class ServiceUnitTest {
    @Test
    void unit_startsTheDaemonAgainForEver_atABoundedRate() throws Exception {
        String unit = Files.readString(Path.of(System.getProperty("allod.clone"), "packaging", "allod.service"));
        assertThat(unit.lines())
                .contains("Restart=always", "StartLimitIntervalSec=0", "RestartSec=1", "RestartMaxDelaySec=60");
        assertThat(unit.indexOf("StartLimitIntervalSec"))
                .as("in [Unit], where systemd reads it")
                .isBetween(unit.indexOf("[Unit]"), unit.indexOf("[Service]"));
    }
}
