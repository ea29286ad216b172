package org.allod.deploy;

import java.util.List;
import java.util.Optional;

/** The order in which an app's machines change to the new version. */
public enum Strategy {
    /** A few at a time, in place; each must pass its checks before the next one begins. */
    ROLLING("rolling"),
    /** All at once, in place; each must start, but need not pass its checks. */
    IMMEDIATE("immediate"),
    /** One extra machine first; if it passes its checks, rolling. The extra machine is destroyed at the end. */
    CANARY("canary"),
    /** As many new machines as old ones, out of traffic; when all pass their checks, traffic is switched. */
    BLUE_GREEN("bluegreen");

    private final String wire;

    Strategy(String wire) {
        this.wire = wire;
    }

    /** The name on the wire and in {@code allod.toml}. */
    public String wire() {
        return wire;
    }

    /** Parses the name; also accepts {@code blue-green}. */
    static Optional<Strategy> parse(String text) {
        String plain = text.replace("-", "");
        for (Strategy strategy : values()) {
            if (strategy.wire.equals(plain)) {
                return Optional.of(strategy);
            }
        }
        return Optional.empty();
    }

    static List<String> words() {
        return List.of("rolling", "immediate", "canary", "bluegreen");
    }
}
