package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.allod.base.FailedException;
import org.allod.base.SystemClock;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleLogTest {
    @TempDir
    Path folder;

    private ConsoleLog open() {
        return open(1 << 20);
    }

    private ConsoleLog open(long limit) {
        return new ConsoleLog(folder.resolve("console.log"), limit, new SystemClock());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(ConsoleLog log) {
        return log.tail(1000).stream().map(LogLine::text).toList();
    }

    @Test
    void output_ofTwoStreams_comesBackAsLines() {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("one\ntw"));
        log.output(6, 2, bytes("err\r\n"));
        log.output(11, 1, bytes("o\n\"quoted\" \u00e4\n"));
        assertThat(texts(log)).containsExactly("one", "err", "two", "\"quoted\" \u00e4");
        assertThat(log.tail(1)).singleElement().satisfies(line -> {
            assertThat(line.source()).isEqualTo(LogLine.Source.STDOUT);
            assertThat(line.partial()).isFalse();
        });
    }

    @Test
    void killed_anywhereInTheStream_goesOnWithoutLossOrRepetition() throws Exception {
        Campaign.of("console-log").play(1, this::killedAnywhere);
    }

    private void killedAnywhere(long seed) throws Exception {
        Files.deleteIfExists(folder.resolve("console.log"));
        Random random = new Random(seed);
        int[] next = {0, 0};
        StringBuilder[] expected = {new StringBuilder(), new StringBuilder()};
        record Piece(long at, int stream, byte[] bytes) {}
        var sent = new java.util.ArrayList<Piece>();
        long at = 0;
        for (int i = 0; i < 2000; i++) {
            int stream = 1 + random.nextInt(2);
            String text = random.nextInt(3) == 0 ? "\n" : "w" + next[stream - 1]++ + " ";
            expected[stream - 1].append(text);
            sent.add(new Piece(at, stream, bytes(text)));
            at += text.length();
        }
        ConsoleLog log = open(20_000_000);
        log.booted(7, 0);
        for (int i = 0; i < sent.size(); i++) {
            if (random.nextInt(40) == 0) {
                // A killed daemon leaves the file as it is, perhaps with half a line; the guest sends from `position`.
                Files.writeString(folder.resolve("console.log"), "{\"t\":\"20", StandardOpenOption.APPEND);
                log = open(20_000_000);
                long from = log.position();
                log.booted(7, from);
                while (i > 0 && sent.get(i).at() > from) {
                    i--;
                }
                Piece p = sent.get(i);
                int skip = (int) Math.max(0, from - p.at());
                byte[] rest = java.util.Arrays.copyOfRange(p.bytes(), skip, p.bytes().length);
                if (rest.length > 0) {
                    log.output(p.at() + skip, p.stream(), rest);
                }
                continue;
            }
            log.output(sent.get(i).at(), sent.get(i).stream(), sent.get(i).bytes());
        }
        log.flush();
        for (int s = 0; s < 2; s++) {
            StringBuilder got = new StringBuilder();
            for (LogLine line : log.tail(100_000)) {
                if (line.source().ordinal() == s) {
                    got.append(line.text()).append(line.partial() ? "" : "\n");
                }
            }
            assertThat(got.toString()).as("seed " + seed).isEqualTo(expected[s].toString());
        }
    }

    @Test
    void files_underAFlood_stayBounded() throws Exception {
        ConsoleLog log = open(10_000);
        log.booted(7, 0);
        byte[] line = bytes("x".repeat(99) + "\n");
        for (int i = 0; i < 1000; i++) {
            log.output(i * 100L, 1, line);
        }
        long total = 0;
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                total += Files.size(file);
            }
        }
        assertThat(total).isBetween(10_000L, 20_200L);
        assertThat(log.position()).isEqualTo(100_000);
        log.close();
        assertThat(open(10_000).position())
                .as("known from the newest file alone")
                .isEqualTo(100_000);
    }

    @Test
    void endlessLine_isWrittenInParts_andHoldsNothingBack() {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("p"));
        for (int i = 0; i < 10; i++) {
            log.output(1 + i * 10_000L, 2, bytes("y".repeat(10_000)));
        }
        assertThat(log.position()).isGreaterThan(80_000);
        assertThat(log.tail(100)).allMatch(LogLine::partial);
        assertThat(log.tail(100)).anyMatch(l -> l.text().equals("p"));
    }

    @Test
    void lostOutput_isSaidInTheLog() {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("a\n"));
        log.lost(2, 500);
        log.output(502, 1, bytes("b\n"));
        assertThat(texts(log))
                .containsExactly("a", "500 bytes of output were lost here: nobody took them in time", "b");
    }

    @Test
    void anotherBoot_beginsPositionsAgain() {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("first\n"));
        log.booted(8, 0);
        log.output(0, 1, bytes("second\n"));
        assertThat(texts(log)).containsExactly("first", "second");
        assertThat(log.boot()).isEqualTo(8);
    }

    @Test
    void follower_seesTheTailAndWhatComesAfter_andIsBounded() throws Exception {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("old\nolder\n"));
        try (LogFollower follower = log.follow(1)) {
            log.output(10, 1, bytes("new\n"));
            assertThat(follower.next(Duration.ofSeconds(1)).orElseThrow().text())
                    .isEqualTo("older");
            assertThat(follower.next(Duration.ofSeconds(1)).orElseThrow().text())
                    .isEqualTo("new");
            assertThat(follower.next(Duration.ofMillis(10))).isEmpty();
            for (int i = 0; i < LogFollower.MOST + 10; i++) {
                log.output(14 + 2L * i, 1, bytes("z\n"));
            }
            assertThat(follower.next(Duration.ofSeconds(1)).orElseThrow().text())
                    .startsWith("10 lines were skipped");
            log.close();
            for (int i = 0; i < LogFollower.MOST; i++) {
                assertThat(follower.next(Duration.ofMillis(10))).isPresent();
            }
            assertThat(follower.ended()).isTrue();
        }
    }

    /** A real full disk: a small file system in memory, which needs root. */
    @Test
    void fullDisk_losesLinesAndSaysSo_andTakesTheGuestsOutputAllTheSame() throws Exception {
        run("mount", "-t", "tmpfs", "-o", "size=1m", "allod-test", folder.toString());
        try {
            ConsoleLog log = open(64 << 10);
            log.booted(7, 0);
            log.output(0, 1, bytes("before\n"));
            Path ballast = folder.resolve("ballast");
            byte[] piece = new byte[4096];
            try (var out = Files.newOutputStream(ballast)) {
                while (true) {
                    out.write(piece);
                }
            } catch (java.io.IOException e) {
                assertThat(e).hasMessageContaining("No space left");
            }
            // More than one of its two files: it must also change them in vain.
            long at = 7;
            for (int i = 0; i < 3000; i++) {
                byte[] line = bytes("a line that may not find room " + i + "\n");
                log.output(at, 1, line);
                at += line.length;
            }
            assertThat(log.position()).isEqualTo(at);
            Files.delete(ballast);
            log.output(at, 1, bytes("after\n"));
            assertThat(texts(log)).last().isEqualTo("after");
            assertThat(texts(log))
                    .anyMatch(text -> text.matches("\\d+ lines were lost here: the host could not write them"));
            log.close();

            ConsoleLog again = open(64 << 10);
            assertThat(again.boot()).isEqualTo(7);
            assertThat(again.position()).isEqualTo(at + 6);
            again.close();
        } finally {
            run("umount", folder.toString());
        }
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void closed_takesNothingMoreAndTouchesNothing() throws Exception {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("one\ntwo\nhal"));
        log.close();
        byte[] before = Files.readAllBytes(folder.resolve("console.log"));
        assertThatThrownBy(() -> log.output(11, 1, bytes("f\n"))).isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> log.lost(11, 5)).isInstanceOf(FailedException.class);
        assertThatThrownBy(() -> log.booted(8, 0)).isInstanceOf(FailedException.class);
        log.note("late");
        log.flush();
        log.close();
        assertThat(Files.readAllBytes(folder.resolve("console.log"))).isEqualTo(before);
    }

    @Test
    void interrupted_losesNoLine() {
        ConsoleLog log = open();
        log.booted(7, 0);
        log.output(0, 1, bytes("one\n"));
        Thread.currentThread().interrupt();
        log.output(4, 1, bytes("two\n"));
        assertThat(Thread.interrupted()).isTrue();
        log.output(8, 1, bytes("three\n"));
        assertThat(texts(log)).containsExactly("one", "two", "three");
    }

    @Test
    void rotation_thatFails_keepsWhatWasWritten() throws Exception {
        ConsoleLog log = open(400);
        log.booted(7, 0);
        // A folder with something in it cannot be replaced by a file.
        Path blocked = Files.createDirectories(folder.resolve("console.log.1/x"));
        log.output(0, 1, bytes("one\n"));
        byte[] before = Files.readAllBytes(folder.resolve("console.log"));
        long at = 4;
        for (int i = 0; i < 20; i++) {
            log.output(at, 1, bytes("again and again and again\n"));
            at += 26;
        }
        assertThat(Files.readAllBytes(folder.resolve("console.log"))).startsWith(before);
        Files.delete(blocked);
        Files.delete(folder.resolve("console.log.1"));
        log.output(at, 1, bytes("last\n"));
        assertThat(texts(log)).startsWith("one").endsWith("last").anyMatch(text -> text.contains("lines were lost"));
    }
}
