package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exit codes of commands. */
class OutcomeTest {
    @TempDir
    Path data;

    @ParameterizedTest
    @CsvSource({
        "400,2", "413,2", "404,3", "403,4", "409,4", "412,4", "422,4", "429,4", "401,1", "408,1", "500,1", "503,1"
    })
    void httpStatus_becomesExitCode(int status, int exit) throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on(
                    "GET /v1/host/status", status, "{\"error\":\"no: because\",\"status\":\"x\",\"hint\":\"do this\"}");

            Ran ran = Ran.here(data, "status");

            assertThat(ran.exit()).isEqualTo(exit);
            assertThat(ran.out()).isEmpty();
            assertThat(ran.err()).isEqualTo("allod: no: because\n  do this\n");
        }
    }

    @Test
    void process_daemonAnswers_exitsZeroAndPrintsToStdout() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            Ran ran = Ran.process(data, "machine", "list");

            assertThat(ran.exit()).isZero();
            assertThat(ran.err()).isEmpty();
            assertThat(ran.out())
                    .contains("APP    NAME     ID              STATE    ADDRESS")
                    .contains("hello  hello-1  aaaa1111aaaa11  started  fd00::1");
        }
    }

    @Test
    void process_notFound_exitsThree() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            Ran ran = Ran.process(data, "machine", "show", "helo-1");

            assertThat(ran.exit()).isEqualTo(3);
            assertThat(ran.err()).isEqualTo("""
                            allod: no machine is called or begins with 'helo-1'
                              did you mean hello-1?
                            """);
        }
    }

    @Test
    void process_refused_exitsFour() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on(
                    "DELETE /v1/apps/hello/machines/aaaa1111aaaa11",
                    412,
                    "{\"error\":\"machine is started\",\"status\":\"failed_precondition\",\"hint\":\"stop it, or force\"}");

            Ran ran = Ran.process(data, "machine", "destroy", "hello-1");

            assertThat(ran.exit()).isEqualTo(4);
            assertThat(ran.err()).contains("allod: machine is started\n  stop it, or force");
        }
    }

    @Test
    void process_noDaemon_exitsFiveAndSaysHowToStartOne() throws Exception {
        Ran ran = Ran.process(data, "machine", "list");

        assertThat(ran.exit()).isEqualTo(5);
        assertThat(ran.err()).startsWith("allod: no daemon answers at " + data).contains("start one with `allod up`");
    }

    @Test
    void dataFolder_missing_saysWhichOne() {
        Ran ran = Ran.here(data.resolve("nowhere"), "status");

        assertThat(ran.exit()).isEqualTo(5);
        assertThat(ran.err()).contains("the data folder " + data.resolve("nowhere") + " does not exist");
    }

    @Test
    void process_wrongUse_exitsTwoWithoutAStackTrace() throws Exception {
        Ran ran = Ran.process(data, "machine", "lst");

        assertThat(ran.exit()).isEqualTo(2);
        assertThat(ran.err())
                .isEqualTo("allod: unknown command 'lst'\n  did you mean `allod machine list`?\n")
                .doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "machine list --ap x | unknown option --ap | did you mean --app?",
                "machien list | unknown command 'machien' | did you mean `allod machine`?",
                "machine show | missing required parameter: 'MACHINE' | `allod machine show --help`",
                "machine run x --runtime docker | --runtime is 'docker' | it is one of: microvm, gvisor",
                "machine run x --memory lots | --memory | 'lots' is not an int",
                "machine run x --cpus 0 | --cpus is 0, but must be at least 1 | must",
                "machine run x -e NOVALUE | -e NOVALUE is not a variable | NAME=VALUE",
                "machine run x --autostop stop | --autostop without --port | name its port",
                "image build busybox | the image has no name | -t NAME",
                "image build -t x | no package | --debian PACKAGE",
                "status --api nonsense | 'nonsense' is not an address of the API | HOST:PORT",
                "machine | Usage: allod machine COMMAND | run",
                "help machine lst | unknown command 'lst' | did you mean `allod machine list`?",
                "host | the launcher carries this out | allod host"
            })
    void wrongUse_isToldWhatAndWhere(String line, String what, String hint) throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            Ran ran = Ran.here(data, line.strip().split(" "));

            assertThat(ran.exit()).as(ran.err()).isIn(2, 4);
            assertThat(ran.err()).contains(what.strip()).contains(hint.strip());
            assertThat(daemon.lines()).as("nothing was asked of the daemon").isEmpty();
        }
    }

    @Test
    void json_errorOfTheDaemon_keepsItsBody() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            daemon.on(
                    "GET /v1/host/status",
                    409,
                    "{\"error\":\"full\",\"status\":\"insufficient_capacity\",\"details\":{\"need\":7},\"hint\":\"h\"}");

            Json error = Json.parse(Ran.here(data, "status", "--json").err());

            assertThat(error)
                    .isEqualTo(Json.obj(
                            "error", "full",
                            "status", "insufficient_capacity",
                            "details", Json.obj("need", 7),
                            "hint", "h",
                            "exit", 4));
        }
    }

    @Test
    void json_errorOfTheCommand_hasTheSameShape() {
        Json error = Json.parse(Ran.here(data, "machine", "lst", "--json").err());

        assertThat(error.at("status").text()).isEqualTo("invalid");
        assertThat(error.at("exit").number(0)).isEqualTo(2);
        assertThat(Json.parse(Ran.here(data, "--json", "status").err())
                        .at("status")
                        .text())
                .isEqualTo("no_daemon");
    }

    @Test
    void ambiguousName_saysWhatItCouldBe() throws Exception {
        try (FakeDaemon daemon = new FakeDaemon(data)) {
            Ran ran = Ran.here(data, "machine", "stop", "web");

            assertThat(ran.exit()).isEqualTo(2);
            assertThat(ran.err())
                    .contains("'web' could mean shop/web (bbbb2222bbbb22), test/web (bbbb3333bbbb33)")
                    .contains("say APP/NAME");
            assertThat(daemon.lines()).containsOnly("GET /v1/orgs/personal/machines");
        }
    }
}
