package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptSourcesTest {
    @TempDir
    Path scratch;

    @Test
    void stanzas_ofTheSuite_areKept_andOthersLeftOut() {
        String text = """
                Types: deb
                # a comment
                URIs: http://mirror.example/debian
                Suites: bookworm bookworm-updates
                Components: main

                Types: deb
                URIs: http://vendor.example/
                Suites: nodistro
                Components: main

                Types: deb-src
                URIs: http://mirror.example/debian
                Suites: bookworm

                Enabled: no
                Types: deb
                URIs: http://mirror.example/debian
                Suites: bookworm-security
                """;
        assertThat(AptSources.stanzas(text, "bookworm")).containsExactly("""
                        Types: deb
                        URIs: http://mirror.example/debian
                        Suites: bookworm bookworm-updates
                        Components: main""");
    }

    @Test
    void lines_ofTheSuite_areKept_andOthersLeftOut() {
        String text = """
                # deb http://mirror.example/debian bookworm main
                deb [signed-by=/usr/share/keyrings/k.gpg arch=amd64] http://mirror.example/debian bookworm main # yes
                deb-src http://mirror.example/debian bookworm main
                deb http://mirror.example/debian trixie main
                deb http://mirror.example/security bookworm-security main
                """;
        assertThat(AptSources.lines(text, "bookworm"))
                .containsExactly(
                        "deb [signed-by=/usr/share/keyrings/k.gpg arch=amd64] http://mirror.example/debian bookworm main",
                        "deb http://mirror.example/security bookworm-security main");
    }

    @Test
    void hostWithoutDebianSources_isTold() {
        assertThatExceptionOfType(RejectedException.class)
                .isThrownBy(() -> AptSources.find(scratch, "bookworm", scratch))
                .withMessageContaining("no source of Debian packages for bookworm");
    }
}
