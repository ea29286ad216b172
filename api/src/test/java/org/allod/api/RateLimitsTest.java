package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;

class RateLimitsTest {
    private static final Caller ANYBODY = new Caller.Operator("10.0.0.1");
    private static final Map<String, String> ONE = Map.of("app_name", "a", "machine_id", "1");
    private static final Map<String, String> TWO = Map.of("app_name", "a", "machine_id", "2");

    private final VirtualTime time = new VirtualTime(Instant.EPOCH);

    private static Endpoint endpoint(HttpMethod method, String operation) {
        return new Endpoint(
                method,
                "/v1/apps/{app_name}/machines/{machine_id}",
                operation,
                "",
                List.of(),
                Endpoint.Access.TOKEN,
                request -> new Response.Empty(204));
    }

    private static final Endpoint START = endpoint(HttpMethod.POST, "Machines_start");
    private static final Endpoint SHOW = endpoint(HttpMethod.GET, "Machines_show");
    private static final Endpoint WAIT = endpoint(HttpMethod.GET, "Machines_wait");
    private static final Endpoint DELETE = endpoint(HttpMethod.DELETE, "Apps_delete");

    private static int granted(RateLimits limits, Endpoint endpoint, Map<String, String> what, int tries) {
        int granted = 0;
        for (int i = 0; i < tries; i++) {
            granted += limits.take(ANYBODY, endpoint, what).isEmpty() ? 1 : 0;
        }
        return granted;
    }

    @Test
    void flysPaces_areOneASecondAnActionAndMachine_andFiveAReading() {
        RateLimits limits = new RateLimits(time, RateLimits.Paces.FLY);
        assertThat(granted(limits, START, ONE, 10)).isEqualTo(3);
        assertThat(limits.take(ANYBODY, START, ONE)).contains(Duration.ofSeconds(1));
        assertThat(granted(limits, START, TWO, 1)).as("another machine").isEqualTo(1);
        assertThat(granted(limits, endpoint(HttpMethod.POST, "Machines_stop"), ONE, 1))
                .as("another action")
                .isEqualTo(1);
        assertThat(granted(limits, SHOW, ONE, 20)).isEqualTo(10);
        assertThat(granted(limits, WAIT, ONE, 50)).as("waits").isEqualTo(50);
        assertThat(granted(limits, DELETE, Map.of("app_name", "x"), 200)).isEqualTo(100);
        time.advance(Duration.ofSeconds(1));
        assertThat(granted(limits, START, ONE, 5)).isEqualTo(1);
        assertThat(granted(limits, SHOW, ONE, 20)).isEqualTo(5);
        assertThat(granted(limits, DELETE, Map.of("app_name", "y"), 5)).isEqualTo(1);
    }

    @Test
    void operatorOfTheHost_isNotLimited() {
        RateLimits limits = new RateLimits(time, RateLimits.Paces.FLY);
        for (int i = 0; i < 100; i++) {
            assertThat(limits.take(new Caller.Local(0), START, ONE)).isEmpty();
        }
    }

    @Test
    void paces_areReadFromText_orRefusedByName() {
        assertThat(RateLimits.Paces.parse("fly")).isEqualTo(RateLimits.Paces.FLY);
        assertThat(RateLimits.Paces.parse("off")).isEqualTo(RateLimits.Paces.OFF);
        RateLimits.Paces mixed = RateLimits.Paces.parse("fly,action=2.5/4,read=off");
        assertThat(mixed.action()).contains(new RateLimits.Pace(2.5, 4));
        assertThat(mixed.read()).isEmpty();
        assertThat(mixed.deletes()).isEqualTo(RateLimits.Paces.FLY.deletes());
        for (String wrong :
                List.of("", "fast", "action", "action=1", "action=0/1", "action=1/0", "speed=1/2", "read=NaN/1")) {
            assertThatThrownBy(() -> RateLimits.Paces.parse(wrong))
                    .as(wrong)
                    .isInstanceOf(RejectedException.class)
                    .hasMessageContaining("rate limit");
        }
    }
}
