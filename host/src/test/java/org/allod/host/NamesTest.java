package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** One simple name, one class; and none of the names that nobody could guess comes back. */
class NamesTest {
    /**
     * Old names of classes whose content could not be guessed from them. What is banned is the old meaning: a {@code
     * Placement} of machines on hosts and a {@code Fleet} of hosts may come.
     */
    private static final Set<String> UNGUESSABLE = Set.of(
            "AppEnd",
            "AppGate",
            "Apart",
            "Arrival",
            "Asker",
            "BareSystem",
            "Beside",
            "Book",
            "Boots",
            "Budget",
            "Carried",
            "Checkup",
            "Chosen",
            "Claims",
            "Complaint",
            "Course",
            "Crew",
            "Disks",
            "Documents",
            "Door",
            "Doors",
            "Durable",
            "EdgeDoor",
            "Fields",
            "Flow",
            "Fold",
            "Forgetting",
            "Found",
            "FoundVolume",
            "Given",
            "Grammar",
            "Hands",
            "Heard",
            "HoldRoom",
            "Identity",
            "Job",
            "Knock",
            "Lanes",
            "Ledger",
            "LinkLedger",
            "Live",
            "MachineHands",
            "MachineRoom",
            "Moments",
            "Origin",
            "Overdue",
            "Passage",
            "Pause",
            "Pieces",
            "PlainKernel",
            "Premises",
            "Private",
            "Proof",
            "Prover",
            "Readiness",
            "RecordShape",
            "Rights",
            "Room",
            "Roster",
            "Runs",
            "Seeker",
            "Seen",
            "SentBytes",
            "Shared",
            "Shelf",
            "Spots",
            "Spread",
            "Stillness",
            "Survey",
            "Telling",
            "Text",
            "Traffic",
            "Tries",
            "TrustDoor",
            "Turns",
            "Ways",
            "Wire",
            "Word",
            "Words");

    /** The top-level classes of the rooms, tests among them, with the rooms that have one of that name. */
    private static Map<String, Set<String>> classes() throws IOException {
        Map<String, Set<String>> classes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(Path.of(System.getProperty("allod.clone")), 8)) {
            for (Path file : (Iterable<Path>) files.filter(p -> p.toString().endsWith(".java"))::iterator) {
                String path = file.toString();
                if (path.contains("/src/")
                        && path.contains("/java/org/allod/")
                        && !path.endsWith("/package-info.java")) {
                    classes.computeIfAbsent(file.getFileName().toString().replace(".java", ""), name -> new TreeSet<>())
                            .add(file.getParent().getFileName().toString());
                }
            }
        }
        assertThat(classes).hasSizeGreaterThan(800);
        return classes;
    }

    @Test
    void simpleNames_standOnce() throws Exception {
        Map<String, Set<String>> twice = classes();
        twice.values().removeIf(rooms -> rooms.size() == 1);
        assertThat(twice).isEmpty();
    }

    @Test
    void names_thatNobodyCouldGuess_areGone() throws Exception {
        assertThat(List.copyOf(classes().keySet())).doesNotContainAnyElementsOf(UNGUESSABLE);
    }
}
