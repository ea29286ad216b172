package org.allod.linux;

/**
 * Changes packet filter rules with {@code nft}. A script is one transaction. Use it for what is done once; {@link
 * NftSets} changes the elements of sets, which come and go with machines.
 */
public final class Nft {
    private Nft() {}

    public static void apply(String script) {
        Command.of("nft", "-f", "-").input(script).output();
    }

    /** Removes a table, if it exists. */
    public static void removeTable(String family, String name) {
        var _ = Command.of("nft", "delete", "table", family, name).run();
    }
}
