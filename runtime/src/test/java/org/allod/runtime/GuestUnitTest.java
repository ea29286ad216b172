package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.allod.linux.Command;
import org.junit.jupiter.api.Test;

/** The guest's own tests, which are in Rust. */
class GuestUnitTest {
    @Test
    void guest_itsOwnTests_pass() {
        String out = Command.of(GuestBinary.here().resolve("guest/build").toString(), "test")
                .timeout(Duration.ofMinutes(5))
                .output();
        // A failed test fails the command; what is left to see is that there were tests at all.
        assertThat(out).containsPattern("test result: ok\\. [1-9][0-9]* passed; 0 failed");
    }
}
