package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.allod.base.Failed;
import org.allod.base.Nearest;
import org.allod.base.Rejected;
import org.junit.jupiter.api.Test;

/** The small parts, each where it is easiest to get wrong. */
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
            assertThatThrownBy(() -> Json.parse(wrong)).as(wrong).isInstanceOf(Failed.class);
        }
    }

    @Test
    void nearest_findsSlips_andNothingFarOff() {
        List<String> words = List.of("machine", "image", "list", "logs", "start", "stop");
        assertThat(Nearest.to("machien", words)).contains("machine");
        assertThat(Nearest.to("lsit", words)).contains("list");
        assertThat(Nearest.to("im", words)).contains("image");
        assertThat(Nearest.to("kubernetes", words)).isEmpty();
    }

    @Test
    void commandText_isSplitAsAShellWould() {
        assertThat(ImageWords.command("a 'b c' \"d 'e\" ''")).containsExactly("a", "b c", "d 'e", "");
        assertThat(ImageWords.command("[\"a b\",\"c\"]")).containsExactly("a b", "c");
        assertThatThrownBy(() -> ImageWords.command("a 'b")).isInstanceOf(Rejected.class);
    }

    @Test
    void size_isDecimal() {
        assertThat(ImageWork.size(999)).isEqualTo("999 B");
        assertThat(ImageWork.size(999_950)).isEqualTo("1.0 MB");
        assertThat(ImageWork.size(1_234_567_890)).isEqualTo("1.2 GB");
    }

    @Test
    void environment_namesTheDataFolder_unlessTheLineDoes() {
        Word.Command status = (Word.Command) Chosen.from(List.of("status")).word();
        Map<String, String> env = Map.of("ALLOD_DATA", "/env", "ALLOD_API", "10.0.0.1:4280");
        assertThat(session(status, env).daemon().address()).isInstanceOf(Address.Tcp.class);
        assertThat(session(status, env, "--data", "/line").daemon().address())
                .isEqualTo(new Address.Unix(java.nio.file.Path.of("/line/allod.sock")));
        assertThat(session(status, Map.of()).data()).hasToString("/var/lib/allod");
    }

    private static Session session(Word.Command command, Map<String, String> env, String... args) {
        return new Session(new Given(command, Grammar.of("status", command).parseArgs(args)), Screen.ofProcess(), env);
    }
}
