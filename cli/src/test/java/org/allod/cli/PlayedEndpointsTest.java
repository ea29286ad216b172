package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlayedEndpointsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"GET /v1/nothing", "PUT /v1/apps", "GET /v1/apps?org_slug=personal&sevices=1", "GET /v1/apps/a/b"
            })
    void request_thatNoDaemonAnswers_isNotPlayed(String line) {
        assertThatThrownBy(() -> PlayedEndpoints.require(line))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining(line);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /v1/apps?org_slug=personal", "GET /v1/apps/shop/machines/m1", "GET /elsewhere"})
    void request_ofTheApiOrBesideIt_isPlayed(String line) {
        assertThatCode(() -> PlayedEndpoints.require(line)).doesNotThrowAnyException();
    }
}
