package org.allod.deploy;

import java.util.List;
import java.util.Optional;

/** In which order an app's machines come to the new version. */
public enum Strategy {
    /** A few at a time, in place; each must pass its checks before the next is begun. */
    ROLLING("rolling"),
    /** All at once, in place; each must start, checks are not waited for. */
    IMMEDIATE("immediate"),
    /** One extra machine first; if it passes its checks, rolling. The extra one goes at the end. */
    CANARY("canary"),
    /** As many new machines beside the old ones, out of traffic; when all pass their checks traffic is switched. */
    BLUE_GREEN("bluegreen");

    private final String wire;

    Strategy(String wire) {
        this.wire = wire;
    }

    /** The name on the wire and in {@code allod.toml}. */
    public String wire() {
        return wire;
    }

    /** Reads the name; {@code blue-green} is taken too. */
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
