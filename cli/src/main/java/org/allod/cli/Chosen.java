package org.allod.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * The word that was meant, found by walking the tree along the arguments.
 *
 * @param path its words, such as {@code machine list}; empty for the root
 * @param rest what was typed besides, in order
 */
record Chosen(String path, Word word, List<String> rest) {
    static Chosen from(List<String> args) {
        Word here = Words.ROOT;
        List<String> path = new ArrayList<>();
        List<String> rest = new ArrayList<>();
        for (int i = 0; i < args.size(); i++) {
            String arg = args.get(i);
            if (rest.isEmpty() || here instanceof Word.Branch) {
                var next = here.words().get().stream()
                        .filter(word -> word.name().equals(arg))
                        .findFirst();
                if (next.isPresent()) {
                    here = next.orElseThrow();
                    path.add(arg);
                    continue;
                }
            }
            rest.add(arg);
            boolean takesValue = arg.equals("--data") || arg.equals("--api");
            if (here instanceof Word.Command || (!takesValue && !arg.startsWith("-"))) {
                rest.addAll(args.subList(i + 1, args.size()));
                break;
            }
            if (takesValue && i + 1 < args.size()) {
                rest.add(args.get(++i));
            }
        }
        return new Chosen(String.join(" ", path), here, rest);
    }

    /** Whether {@code --help} stands where it is ours, not part of a guest's command line. */
    boolean wantsHelp(Word.Command command) {
        for (String arg : rest) {
            if (arg.equals("--help") || arg.equals("-h")) {
                return true;
            }
            if (arg.equals("--") || (command.isVerbatim() && !arg.startsWith("-"))) {
                return false;
            }
        }
        return false;
    }
}
