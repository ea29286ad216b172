package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What would end a guest at each of its boots is refused at the door, and is read where it is on record already. */
class BootValidatorTest {
    private static MachineConfig config(String fields) {
        return TestHost.config("{\"image\":\"web\"," + fields + "}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"env\":{\"A\":\"x\\u0000y\"} | config.env.A has a NUL character",
                "\"env\":{\"A\":\"\\ud800\"} | config.env.A is not text",
                "\"init\":{\"cmd\":[\"a\",\"b\\u0000\"]} | config.init.cmd[1] has a NUL character",
                "\"init\":{\"exec\":[\"\"]} | config.init.exec[0] is \"\": it must name a program",
                "\"processes\":[{\"env\":{\"A\":\"\\u0000\"}}] | config.processes[0].env.A has a NUL",
                "\"processes\":[{\"entrypoint\":[\"\\u0000\"]}] | config.processes[0].entrypoint[0] has a NUL",
                "\"containers\":[{\"name\":\"a\",\"env\":{\"A\":\"\\u0000\"}}] | config.containers[0].env.A has a NUL",
                "\"containers\":[{\"name\":\"a\",\"healthchecks\":[{\"exec\":{\"command\":[\"\\u0000\"]}}]}] | config.containers[0].healthchecks[0].exec.command[0] has a NUL",
                "\"files\":[{\"guest_path\":\"/proc/x\",\"raw_value\":\"\"}] | config.files[0].guest_path is \"/proc/x\"",
                "\"files\":[{\"guest_path\":\"/dev/null\",\"raw_value\":\"\"}] | config.files[0].guest_path is \"/dev/null\"",
                "\"files\":[{\"guest_path\":\"/a/../b\",\"raw_value\":\"\"}] | config.files[0].guest_path is \"/a/../b\"",
                "\"files\":[{\"guest_path\":\"/a//b\",\"raw_value\":\"\"}] | config.files[0].guest_path is \"/a//b\"",
                "\"files\":[{\"guest_path\":\"/a\\nb\",\"raw_value\":\"\"}] | config.files[0].guest_path is",
                "\"files\":[{\"guest_path\":\"/a\",\"raw_value\":\"\"},{\"guest_path\":\"/a\",\"raw_value\":\"eA==\"}] | config.files[1].guest_path is \"/a\", and so is another file's",
                "\"files\":[{\"guest_path\":\"/a/b/c\",\"raw_value\":\"\"},{\"guest_path\":\"/a\",\"raw_value\":\"\"}] | config.files[0].guest_path is \"/a/b/c\", and /a is a file too",
                "\"metadata\":{\"\":\"x\"} | config.metadata has the key \"\"",
                "\"checks\":{\"c\":{\"type\":\"tcp\",\"port\":1,\"interval\":10}} | config.checks.c.interval is 10 ns: it must be 100ms at least",
                "\"services\":[{\"internal_port\":1,\"checks\":[{\"type\":\"tcp\",\"timeout\":5}]}] | config.services[0].checks[0].timeout is 5 ns",
                "\"checks\":{\"c\":{\"type\":\"http\",\"port\":1,\"headers\":[{\"name\":\"Connection\",\"values\":[\"x\"]}]}} | config.checks.c.headers[0].name is \"Connection\"",
                "\"stop_config\":{\"timeout\":5} | config.stop_config.timeout is 5 ns: it must be 1ms at least",
            })
    void config_noGuestCouldBootWith_isRefusedByName(String fields, String says) {
        MachineConfig read = config(fields);
        assertThatThrownBy(() -> BootValidator.check(read))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> org.assertj.core.api.Assertions.assertThat(e.reason())
                                .isEqualTo(RejectedException.Reason.INVALID))
                .hasMessageContaining(says);
    }

    @Test
    void variable_longerThanAKernelTakes_isRefused_andOneThatJustFitsIsNot() {
        String fits = "x".repeat(131_071 - "A=".length());
        assertThatCode(() -> BootValidator.check(config("\"env\":{\"A\":\"" + fits + "\"}")))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> BootValidator.check(config("\"env\":{\"A\":\"" + fits + "x\"}")))
                .hasMessageContaining(
                        "config.env.A is 131072 bytes: an argument, or a variable with its name, may have");
        StringBuilder many = new StringBuilder("\"env\":{");
        for (int i = 0; i < 5; i++) {
            many.append(i == 0 ? "" : ",")
                    .append("\"A")
                    .append(i)
                    .append("\":\"")
                    .append("x".repeat(120_000))
                    .append('"');
        }
        assertThatThrownBy(() -> BootValidator.check(config(many + "}"))).hasMessageContaining("bytes together");
        assertThatThrownBy(() -> BootValidator.check(
                        config("\"files\":[{\"guest_path\":\"/" + "a".repeat(256) + "\",\"raw_value\":\"\"}]")))
                .hasMessageContaining("names of at most 255");
    }

    @Test
    void config_thatBoots_isLetThrough() {
        assertThatCode(
                        () -> BootValidator.check(
                                config(
                                        "\"env\":{\"Ü\":\"☃\",\"E\":\"\"},\"init\":{\"cmd\":[\"\"]},\"files\":[{\"guest_path\":\"/dev/shm/x\",\"raw_value\":\"\"},"
                                                + "{\"guest_path\":\"/a\",\"raw_value\":\"\"},{\"guest_path\":\"/ab/c\",\"raw_value\":\"\"}],"
                                                + "\"stop_config\":{\"timeout\":0},\"checks\":{\"c\":{\"type\":\"tcp\",\"port\":1,\"interval\":\"300ms\",\"timeout\":0}}")))
                .doesNotThrowAnyException();
    }
}
