package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What could not be written is not known either, so that the next try writes it. */
class TagIndexTest {
    private static final Digest ONE = Digest.parse("sha256:" + "1".repeat(64), "test");
    private static final Digest TWO = Digest.parse("sha256:" + "2".repeat(64), "test");

    @TempDir
    Path folder;

    @Test
    void grants_thatCannotBeWritten_areAsBefore_andCanBeTriedAgain() throws Exception {
        Path file = folder.resolve("references.json");
        TagIndex tags = new TagIndex(file);
        tags.grant(Map.of("kept", Set.of(ONE)));

        Path blocked = Files.createDirectory(folder.resolve("references.json.new"));
        assertThatThrownBy(() -> tags.grant(Map.of("app", Set.of(TWO)))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> tags.forget("kept")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> tags.forget(ONE)).isInstanceOf(IOException.class);
        assertThat(tags.apps()).containsExactly("kept");
        assertThat(tags.granted("kept", ONE)).isTrue();

        Files.delete(blocked);
        tags.grant(Map.of("app", Set.of(TWO)));
        tags.forget("kept");
        TagIndex again = new TagIndex(file);
        assertThat(again.apps()).containsExactly("app");
        assertThat(again.granted("app", TWO)).isTrue();
        again.forget(TWO);
        assertThat(new TagIndex(file).granted("app", TWO)).isFalse();
    }
}
