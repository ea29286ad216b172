package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.linux.NftSets.Element;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Elements of real sets, in a table that no packet passes, looked at by {@code nft}. */
class NftSetsTest {
    private static final String DEVICE = "ald0123456789ab"; // as long as names get

    private final String table = "allodtest" + ProcessHandle.current().pid();
    private final NftSets sets = new NftSets(table);
    private final List<Element> machine = List.of(
            new Element("sources6", DEVICE, "fd01:2345:6789:0:7:0:0:3039"),
            new Element("addresses6", "", "fd01:2345:6789:0:7:0:0:3039"),
            new Element("sources4", DEVICE, "100.64.9.9"),
            new Element("addresses4", "", "100.64.9.9"));

    @BeforeEach
    void table() {
        Nft.apply("""
                add table inet TABLE
                add set inet TABLE sources6 { type ifname . ipv6_addr; }
                add set inet TABLE sources4 { type ifname . ipv4_addr; }
                add set inet TABLE addresses6 { type ipv6_addr; }
                add set inet TABLE addresses4 { type ipv4_addr; }
                """.replace("TABLE", table));
    }

    @AfterEach
    void none() {
        Nft.removeTable("inet", table);
        assertThat(Command.of("nft", "list", "tables").output()).doesNotContain(table);
    }

    private String set(String name) {
        return Command.of("nft", "list", "set", "inet", table, name).output();
    }

    @Test
    void elements_added_areThoseThatNftWouldAdd() {
        sets.add(machine);
        assertThat(set("sources6")).contains("{ \"" + DEVICE + "\" . fd01:2345:6789:0:7::3039 }");
        assertThat(set("addresses6")).contains("{ fd01:2345:6789:0:7::3039 }");
        assertThat(set("sources4")).contains("{ \"" + DEVICE + "\" . 100.64.9.9 }");
        assertThat(set("addresses4")).contains("{ 100.64.9.9 }");
        // To the kernel they are the same: what nft adds again is no second one, what it deletes is ours.
        Nft.apply("add element inet " + table + " sources4 { \"" + DEVICE + "\" . 100.64.9.9 }\n");
        assertThat(sets.list("sources4")).containsExactly(machine.get(2));
        Nft.apply("delete element inet " + table + " sources4 { \"" + DEVICE + "\" . 100.64.9.9 }\n");
        assertThat(sets.list("sources4")).isEmpty();
        assertThat(sets.list("addresses4")).containsExactly(machine.get(3));
    }

    @Test
    void elements_addedAndDeletedTwice_areNoError() {
        sets.add(machine);
        sets.add(machine);
        sets.delete(machine);
        assertThat(set("sources6") + set("sources4") + set("addresses6") + set("addresses4"))
                .doesNotContain("elements");
        sets.delete(machine);
    }

    @Test
    void deletion_ofWhatIsPartlyThere_takesTheRest() {
        sets.add(machine);
        sets.delete(List.of(machine.get(1)));
        sets.delete(machine);
        assertThat(sets.list("sources6")).isEmpty();
        assertThat(sets.list("sources4")).isEmpty();
        assertThat(sets.list("addresses4")).isEmpty();
    }

    @Test
    void addition_thatIsPartlyRefused_addsNothing() {
        List<Element> more = new ArrayList<>(machine);
        more.add(new Element("nonesuch", "", "100.64.9.9"));
        assertThatThrownBy(() -> sets.add(more))
                .isInstanceOf(FailedException.class)
                .hasMessage("cannot add 100.64.9.9 to the set nonesuch of " + table + ": No such file or directory");
        assertThat(sets.list("sources6")).isEmpty();
        assertThatThrownBy(() -> sets.add(List.of(new Element("addresses4", "", "fd00::1"))))
                .isInstanceOf(FailedException.class)
                .hasMessageStartingWith("cannot add fd00::1 to the set addresses4 of " + table + ": Invalid argument");
    }

    @Test
    void table_thatIsNotThere_hasNothingToListOrDelete() {
        NftSets none = new NftSets(table + "x");
        assertThat(none.list("sources4")).isEmpty();
        none.delete(machine);
        assertThatThrownBy(() -> none.add(machine))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("No such file");
    }

    /** More than one receive holds. */
    @Test
    void elements_inThousands_areAllListed() {
        List<Element> many = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            many.add(new Element("sources4", "ald%012d".formatted(i), "100.64." + i / 250 + "." + i % 250));
        }
        for (int i = 0; i < many.size(); i += 200) {
            sets.add(many.subList(i, i + 200));
        }
        assertThat(sets.list("sources4")).containsExactlyInAnyOrderElementsOf(many);
    }
}
