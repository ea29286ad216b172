package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CommandLineTest {
    @Test
    void line_isCutAsAShellWould_andNothingElseIsDoneToIt() {
        assertThat(CommandLine.words("cmd", " ls  -la\t/tmp\n")).containsExactly("ls", "-la", "/tmp");
        assertThat(CommandLine.words("cmd", "sh -c 'echo \"$A\" \\ | cat'"))
                .containsExactly("sh", "-c", "echo \"$A\" \\ | cat");
        assertThat(CommandLine.words("cmd", "echo A && echo $B | cat > /x"))
                .containsExactly("echo", "A", "&&", "echo", "$B", "|", "cat", ">", "/x");
        assertThat(CommandLine.words("cmd", "a\\ b \"c \\\" \\$d \\e\" '' x''y"))
                .containsExactly("a b", "c \" $d \\e", "", "xy");
        assertThat(CommandLine.words("cmd", "  ")).isEmpty();
    }

    @Test
    void quote_thatNothingEnds_isRefused() {
        assertThatThrownBy(() -> CommandLine.words("cmd", "echo 'a"))
                .hasMessageContaining("cmd has a ' that nothing ends");
        assertThatThrownBy(() -> CommandLine.words("cmd", "echo \"a\\\"")).hasMessageContaining("cmd has a \" that");
        assertThatThrownBy(() -> CommandLine.words("cmd", "echo \\")).hasMessageContaining("ends with a backslash");
    }
}
