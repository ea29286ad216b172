package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.allod.runtime.ExitStatus;
import org.junit.jupiter.api.Test;

class RestartDecisionTest {
    private static final ExitStatus OK = new ExitStatus(0, 0, false);
    private static final ExitStatus BAD = new ExitStatus(3, 0, false);

    private static RestartDecision decide(String restart, ExitStatus exit, int restarts) {
        return RestartDecision.decide(
                TestHost.config("{\"image\":\"web\",\"restart\":" + restart + "}"), exit, restarts);
    }

    @Test
    void onFailure_cleanExit_stops() {
        assertThat(decide("{\"policy\":\"on-failure\"}", OK, 0)).isEqualTo(new RestartDecision.Stop());
    }

    @Test
    void onFailure_beyondItsRetries_givesUp() {
        String policy = "{\"policy\":\"on-failure\",\"max_retries\":3}";
        assertThat(decide(policy, BAD, 2)).isInstanceOf(RestartDecision.Restart.class);
        assertThat(decide(policy, BAD, 3)).isEqualTo(new RestartDecision.GiveUp());
    }

    @Test
    void always_pausesLongerEachTime_upToABound() {
        String policy = "{\"policy\":\"always\"}";
        assertThat(decide(policy, OK, 0)).isEqualTo(new RestartDecision.Restart(Duration.ZERO));
        assertThat(decide(policy, OK, 1)).isEqualTo(new RestartDecision.Restart(Duration.ofMillis(200)));
        assertThat(decide(policy, OK, 2)).isEqualTo(new RestartDecision.Restart(Duration.ofMillis(400)));
        assertThat(decide(policy, OK, 1_000)).isEqualTo(new RestartDecision.Restart(Duration.ofSeconds(30)));
    }

    @Test
    void no_autoDestroy_destroys() {
        MachineConfig config =
                TestHost.config("{\"image\":\"web\",\"auto_destroy\":true,\"restart\":{\"policy\":\"no\"}}");
        assertThat(RestartDecision.decide(config, BAD, 0)).isEqualTo(new RestartDecision.Destroy());
    }
}
