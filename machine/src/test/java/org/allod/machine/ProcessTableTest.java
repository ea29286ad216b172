package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessTableTest {
    private static List<ProcessTable.Entry> parse(String... fields) {
        return ProcessTable.parse((String.join("\0", fields) + "\0").getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void table_isReadWithItsSockets() {
        assertThat(parse("2", "100", "2500", "4096", "S", "httpd -f", "/srv", "tcp [::]:80,udp 0.0.0.0:53"))
                .containsExactly(new ProcessTable.Entry(
                        2,
                        Duration.ofSeconds(100),
                        Duration.ofSeconds(25),
                        4096,
                        "httpd -f",
                        "/srv",
                        List.of(
                                new ProcessTable.Listener("tcp", "[::]:80"),
                                new ProcessTable.Listener("udp", "0.0.0.0:53"))));
        assertThat(parse("2", "100", "2500", "4096", "S", "x", "/", "")
                        .getFirst()
                        .share())
                .isEqualTo(25);
    }

    @Test
    void guestThatSaysNonsense_isBelievedNothing() {
        assertThat(ProcessTable.parse(new byte[0])).isEmpty();
        assertThat(parse("2", "100")).isEmpty();
        assertThat(parse("-1", "0", "0", "0", "S", "x", "/", "")).isEmpty();
        assertThat(parse("1", "99999999999999999999999", "0", "0", "S", "x", "/", ""))
                .isEmpty();
        assertThat(ProcessTable.parse(new byte[] {(byte) 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
                .isEmpty();
        assertThat(parse("1", "0", "5", "0", "S", "x", "/", "tcp").getFirst().listeners())
                .isEmpty();
    }

    @Test
    void table_isSortedByAnyColumn() {
        List<ProcessTable.Entry> two =
                parse("1", "10", "0", "9", "S", "b", "/", "", "2", "5", "0", "7", "S", "a", "/", "");
        assertThat(two.stream().sorted(ProcessTable.Column.COMMAND.order(false)).map(ProcessTable.Entry::pid))
                .containsExactly(2L, 1L);
        assertThat(two.stream().sorted(ProcessTable.Column.RSS.order(true)).map(ProcessTable.Entry::pid))
                .containsExactly(1L, 2L);
        assertThat(two.stream().sorted(ProcessTable.Column.STIME.order(false)).map(ProcessTable.Entry::pid))
                .as("who started first")
                .containsExactly(1L, 2L);
    }
}
