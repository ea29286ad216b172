package org.allod.image;

import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;

/** A host program failed: its relevant output. */
final class ToolException extends IOException {
    private static final Pattern ERROR = Pattern.compile("^(E:|<E>|mke2fs:|error|fatal).*", Pattern.CASE_INSENSITIVE);
    private static final int SAID = 4;

    /** The last lines it printed. */
    private final transient List<String> lines;

    ToolException(String program, int exit, List<String> lines) {
        super(message(program, exit, lines));
        this.lines = List.copyOf(lines);
    }

    private static String message(String program, int exit, List<String> lines) {
        if (lines.stream().anyMatch(line -> line.contains(StagingFiles.FULL))) {
            return program + ": " + StagingFiles.FULL;
        }
        List<String> errors =
                lines.stream().filter(line -> ERROR.matcher(line).matches()).toList();
        List<String> said = errors.isEmpty() ? lines : errors;
        return program + " failed (exit " + exit + "): "
                + String.join(" / ", said.subList(Math.max(0, said.size() - SAID), said.size()));
    }

    List<String> lines() {
        return lines;
    }
}
