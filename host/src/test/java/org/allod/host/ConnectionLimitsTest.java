package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

class ConnectionLimitsTest {
    @Test
    void limits_ofAHostWithDescriptorsEnough_areThese() {
        assertThat(ConnectionLimits.sharing(1_048_576)).isEqualTo(new ConnectionLimits(10_000, 2_000, 1_024, 256, 256));
        assertThat(ConnectionLimits.sharing(65_536)).isEqualTo(new ConnectionLimits(10_000, 2_000, 1_024, 256, 256));
    }

    /** With every listener full, descriptors are left for what the daemon itself opens. */
    @Test
    void limits_underAnyBound_leaveAQuarter() {
        assertThat(ConnectionLimits.sharing(1_024)).isEqualTo(new ConnectionLimits(336, 84, 64, 16, 32));
        for (long bound = 512; bound < 100_000; bound += 97) {
            ConnectionLimits limits = ConnectionLimits.sharing(bound);
            assertThat(2L * limits.edge() + limits.api() + limits.socket()).isLessThanOrEqualTo(bound - bound / 4);
        }
    }

    @Test
    void option_setsSingleOnes_andRefusesWhatItDoesNotKnow() {
        HostConfig config = HostConfig.parse(List.of("--connections", "edge=5000,api-address=64"), Map.of());
        assertThat(config.connections().edge()).isEqualTo(5_000);
        assertThat(config.connections().apiPerAddress()).isEqualTo(64);
        assertThat(config.connections().api())
                .isEqualTo(ConnectionLimits.usual().api());
        for (String wrong : List.of("edge", "edge=0", "edge=x", "door=100", "")) {
            assertThatThrownBy(() -> HostConfig.parse(List.of("--connections", wrong), Map.of()))
                    .isInstanceOf(RejectedException.class)
                    .hasMessageContaining("connection limit");
        }
    }

    /** What a shell or a service manager set low for all its programs is not what the daemon has to do with. */
    @Test
    void softLimit_isRaisedToTheHardOne_whenTheProcessStarts() throws Exception {
        Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -Sn 300 && ulimit -Hn 2000 && "
                                + "exec \"$0\" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp \"$1\" \"$2\"",
                        ProcessHandle.current().info().command().orElse("java"),
                        System.getProperty("java.class.path"),
                        Print.class.getName())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(process.getInputStream().readAllBytes()).strip()).isEqualTo("2000");
        assertThat(process.waitFor()).isZero();
    }

    /** The process of the test above. */
    static final class Print {
        private Print() {}

        public static void main(String[] args) {
            System.out.println(ConnectionLimits.openFiles());
        }
    }
}
