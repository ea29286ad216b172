package org.allod.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.allod.linux.Command;

/** The live objects in another JVM's heap. */
final class Heap {
    private static final Pattern USED = Pattern.compile("(?i)(?:def ?new|tenured)[a-z ]* total \\d+K, used (\\d+)K");

    private Heap() {}

    /** KiB in use after a garbage collection. */
    static double usedKib(long pid) {
        var _ = jcmd(pid, "GC.run");
        return USED.matcher(jcmd(pid, "GC.heap_info"))
                .results()
                .map(MatchResult::group)
                .mapToDouble(line -> Double.parseDouble(line.replaceAll(".*used (\\d+)K", "$1")))
                .sum();
    }

    private static String jcmd(long pid, String command) {
        String jcmd = Path.of(BenchDaemon.property("java.home"), "bin", "jcmd").toString();
        return Command.of(List.of(jcmd, "" + pid, command)).output();
    }
}
