package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShellWordsTest {
    @Test
    void line_isCutAsAShellWould_andNothingElseIsDoneToIt() {
        assertThat(ShellWords.words("cmd", " ls  -la\t/tmp\n")).containsExactly("ls", "-la", "/tmp");
        assertThat(ShellWords.words("cmd", "sh -c 'echo \"$A\" \\ | cat'"))
                .containsExactly("sh", "-c", "echo \"$A\" \\ | cat");
        assertThat(ShellWords.words("cmd", "echo A && echo $B | cat > /x"))
                .containsExactly("echo", "A", "&&", "echo", "$B", "|", "cat", ">", "/x");
        assertThat(ShellWords.words("cmd", "a\\ b \"c \\\" \\$d \\e\" '' x''y"))
                .containsExactly("a b", "c \" $d \\e", "", "xy");
        assertThat(ShellWords.words("cmd", "  ")).isEmpty();
    }

    @Test
    void quote_thatNothingEnds_isRefused() {
        assertThatThrownBy(() -> ShellWords.words("cmd", "echo 'a")).hasMessageContaining("cmd has an unclosed '");
        assertThatThrownBy(() -> ShellWords.words("cmd", "echo \"a\\\""))
                .hasMessageContaining("cmd has an unclosed \"");
        assertThatThrownBy(() -> ShellWords.words("cmd", "echo \\")).hasMessageContaining("ends with a backslash");
    }
}
