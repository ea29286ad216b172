package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class GuestProtocolTest {
    private static final Pattern CONSTANT = Pattern.compile("pub const (\\w+): (?:u8|u64|usize) = (\\w+);");

    @Test
    void constants_guestAndHost_areTheSame() throws Exception {
        String rust = Files.readString(GuestBinary.here().resolve("guest/src/frame.rs"));
        Map<String, Long> theirs = new HashMap<>();
        for (Matcher m = CONSTANT.matcher(rust); m.find(); ) {
            theirs.put(m.group(1), Long.decode(m.group(2)));
        }
        Map<String, Long> ours = new HashMap<>();
        for (var field : GuestProtocol.class.getDeclaredFields()) {
            if (field.getType() == int.class) {
                ours.put(field.getName(), (long) field.getInt(null));
            }
        }
        ours.remove("MAIN");
        ours.remove("WELCOME_SIZE");
        assertThat(theirs).hasSizeGreaterThan(25).isEqualTo(ours);
    }

    @Test
    void frames_documented_areTheFramesThereAre() throws Exception {
        String page = Files.readString(GuestBinary.here().resolve("docs/guest-channel.md"));
        for (var field : GuestProtocol.class.getDeclaredFields()) {
            if (field.getType() == int.class
                    && !field.getName().matches("VERSION|HEADER|MAX_.*|.*_WINDOW|FRAME_COST|RING|MAIN|.*_SIZE")) {
                assertThat(page).contains("| `0x%02x` | %s |".formatted(field.getInt(null), field.getName()));
            }
        }
    }
}
