package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The edge's reader beside two that others wrote: llhttp, as it is in Node, and Netty's. What the edge takes, each of them
 * takes for the same messages, or not at all; and what the edge sends on, both take for what it meant. Another seed:
 * {@code -Dallod.seed=N}; more of it: {@code -Dallod.cases=N}.
 */
class ParserAgreementTest {
    private static final long SEED = Long.getLong("allod.seed", 20_261_129);
    private static final int CASES = Integer.getInteger("allod.cases", 20_000);

    @TempDir
    Path folder;

    private final Parsers parsers = new Parsers();

    private interface Read {
        Parsers.Ours read(byte[] bytes);
    }

    @Test
    void requests_thatTheEdgeTakes_areTheSameToOthers() throws Exception {
        agree(true, HttpCases.requests(Rng.seeded(SEED).fork("requests"), CASES), parsers::requests);
    }

    @Test
    void responses_thatTheEdgeTakes_areTheSameToOthers() throws Exception {
        agree(false, HttpCases.responses(Rng.seeded(SEED).fork("responses"), CASES / 2), parsers::responses);
    }

    private void agree(boolean requests, List<byte[]> cases, Read ours) throws Exception {
        List<Parsers.Ours> read = cases.stream().map(ours::read).toList();
        List<byte[]> sent = new ArrayList<>();
        List<Integer> from = new ArrayList<>();
        for (int i = 0; i < read.size(); i++) {
            for (byte[] message : read.get(i).forwarded()) {
                sent.add(message);
                from.add(i);
            }
        }
        TreeMap<String, Integer> refusedByBoth = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        int taken = 0;
        try (Llhttp llhttp = new Llhttp(folder)) {
            List<ReadMessage.All> node = llhttp.read(cases, requests);
            for (int i = 0; i < cases.size(); i++) {
                ReadMessage.All mine = read.get(i).read();
                ReadMessage.All netty = Parsers.netty(cases.get(i), requests);
                differs(wrong, i, cases.get(i), "llhttp", mine.differs(node.get(i)));
                differs(wrong, i, cases.get(i), "Netty", mine.differs(netty));
                int whole =
                        (int) mine.messages().stream().filter(ReadMessage::done).count();
                taken += whole > 0 ? 1 : 0;
                if (whole > 0
                        && node.get(i).messages().isEmpty()
                        && netty.messages().isEmpty()) {
                    refusedByBoth.merge(node.get(i).error() + " | " + netty.error(), 1, Integer::sum);
                }
            }
            List<ReadMessage.All> again = llhttp.read(sent, requests);
            for (int i = 0; i < sent.size(); i++) {
                ReadMessage.All mine = ours.read(sent.get(i)).read();
                differs(wrong, from.get(i), sent.get(i), "llhttp of what is sent on", mine.differs(again.get(i)));
                differs(
                        wrong,
                        from.get(i),
                        sent.get(i),
                        "Netty of what is sent on",
                        mine.differs(Parsers.netty(sent.get(i), requests)));
            }
        }
        System.out.printf(
                "parsers: seed %d, %d %s, %d with a message the edge takes, %d sent on; taken but refused by both: %s%n",
                SEED, cases.size(), requests ? "requests" : "responses", taken, sent.size(), refusedByBoth);
        assertThat(wrong).as("seed " + SEED).isEmpty();
        assertThat(taken).isGreaterThan(cases.size() / 10);
        assertThat(refusedByBoth).isEmpty();
    }

    private static void differs(List<String> wrong, int number, byte[] bytes, String other, String how) {
        if (!how.isEmpty() && wrong.size() < 10) {
            String text = new String(bytes, StandardCharsets.ISO_8859_1)
                    .replace("\\", "\\\\")
                    .replace("\r", "\\r")
                    .replace("\n", "\\n")
                    .replace("\0", "\\0")
                    .replace("\t", "\\t");
            wrong.add("case " + number + ", to " + other + ": " + how + "\nin " + text);
        }
    }
}
