package org.allod.linux;

/** Packet filter rules, by {@code nft}: a script is one transaction, applied whole or not at all. */
public final class Nft {
    private Nft() {}

    public static void apply(String script) {
        Command.of("nft", "-f", "-").input(script).output();
    }

    /** Applies a script that may fail because what it takes away is gone. */
    public static boolean attempt(String script) {
        return Command.of("nft", "-f", "-").input(script).run().ok();
    }

    public static boolean tableExists(String family, String name) {
        return Command.of("nft", "list", "chains", family).run().out().contains("table " + family + " " + name + " {");
    }
}
