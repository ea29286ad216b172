package org.allod.runtime;

import java.time.Duration;
import java.util.List;

/**
 * The result of a runtime's probe boot.
 *
 * @param works whether a probe guest booted and answered
 * @param how the configuration that works: {@code kvm}, {@code tcg}, {@code systrap, own network stack} and the like
 * @param boot time from the start of the process to the guest's first answer; zero if it does not work
 * @param accelerated false if guests are emulated, which is slow and is reported
 * @param details what was tried, in order, one line each, for {@code allod doctor}
 * @param remedy what to do if it does not work; empty if it does
 */
public record ProbeResult(
        boolean works, String how, Duration boot, boolean accelerated, List<String> details, String remedy) {
    public ProbeResult {
        details = List.copyOf(details);
    }
}
