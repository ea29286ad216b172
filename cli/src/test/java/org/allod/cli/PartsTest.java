package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.allod.base.DidYouMean;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;

/** Small classes of this room, each with its edge cases. */
class PartsTest {
    @Test
    void json_roundTrips() {
        String text = "{\"a\":[1,2.50,true,null,\"\\u00e9\\n\\\"\"],\"b\":{},\"n\":12345678901234567890}";

        Json json = Json.parse(text);

        assertThat(json.write())
                .isEqualTo("{\"a\":[1,2.50,true,null,\"é\\n\\\"\"],\"b\":{},\"n\":12345678901234567890}");
        assertThat(Json.parse(json.write())).isEqualTo(json);
        assertThat(json.at("a", "b", "c").isNull()).isTrue();
        assertThat(json.at("n").number(0)).isEqualTo(json.at("n").number(1));
    }

    @Test
    void json_wrong_isAFailureNotABug() {
        for (String wrong : List.of("{", "[1,", "{\"a\":}", "{} {}", "\u0001", "[".repeat(2000))) {
            assertThatThrownBy(() -> Json.parse(wrong)).as(wrong).isInstanceOf(FailedException.class);
        }
    }

    @Test
    void nearest_findsSlips_andNothingFarOff() {
        List<String> words = List.of("machine", "image", "list", "logs", "start", "stop");
        assertThat(DidYouMean.nearest("machien", words)).contains("machine");
        assertThat(DidYouMean.nearest("lsit", words)).contains("list");
        assertThat(DidYouMean.nearest("im", words)).contains("image");
        assertThat(DidYouMean.nearest("kubernetes", words)).isEmpty();
    }

    @Test
    void commandText_isSplitAsAShellWould() {
        assertThat(ImageCommands.command("a 'b c' \"d 'e\" ''")).containsExactly("a", "b c", "d 'e", "");
        assertThat(ImageCommands.command("[\"a b\",\"c\"]")).containsExactly("a b", "c");
        assertThatThrownBy(() -> ImageCommands.command("a 'b")).isInstanceOf(RejectedException.class);
    }

    @Test
    void size_isDecimal() {
        assertThat(ImageTask.size(999)).isEqualTo("999 B");
        assertThat(ImageTask.size(999_950)).isEqualTo("1.0 MB");
        assertThat(ImageTask.size(1_234_567_890)).isEqualTo("1.2 GB");
    }

    @Test
    void environment_namesTheDataFolder_unlessTheLineDoes() {
        CommandNode.Command status =
                (CommandNode.Command) ResolvedCommand.from(List.of("status")).node();
        Map<String, String> env = Map.of("ALLOD_DATA", "/env", "ALLOD_API", "10.0.0.1:4280");
        assertThat(session(status, env).daemon().address()).isInstanceOf(DaemonAddress.Tcp.class);
        assertThat(session(status, env, "--data", "/line").daemon().address())
                .isEqualTo(new DaemonAddress.Unix(java.nio.file.Path.of("/line/allod.sock")));
        assertThat(session(status, Map.of()).data()).hasToString("/var/lib/allod");
    }

    private static CommandContext session(CommandNode.Command command, Map<String, String> env, String... args) {
        return new CommandContext(
                new ParsedArgs(command, PicocliAdapter.of("status", command).parseArgs(args)),
                Console.ofProcess(),
                env);
    }
}
