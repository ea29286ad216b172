package org.allod.linux;

/**
 * Packet filter rules, by {@code nft}: a script is one transaction, applied whole or not at all. For what is done once;
 * elements of sets, which come and go with machines, are for {@link NftSets}.
 */
public final class Nft {
    private Nft() {}

    public static void apply(String script) {
        Command.of("nft", "-f", "-").input(script).output();
    }

    /** Takes a table away, if there is one. */
    public static void removeTable(String family, String name) {
        var _ = Command.of("nft", "delete", "table", family, name).run();
    }
}
