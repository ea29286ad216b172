package org.allod.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * The command found by walking the tree along the arguments.
 *
 * @param path its words, such as {@code machine list}; empty for the root
 * @param rest the remaining arguments, in order
 */
record ResolvedCommand(String path, CommandNode node, List<String> rest) {
    static ResolvedCommand from(List<String> args) {
        CommandNode here = CommandTree.ROOT;
        List<String> path = new ArrayList<>();
        List<String> rest = new ArrayList<>();
        for (int i = 0; i < args.size(); i++) {
            String arg = args.get(i);
            if (rest.isEmpty() || here instanceof CommandNode.Branch) {
                var next = here.words().get().stream()
                        .filter(node -> node.name().equals(arg))
                        .findFirst();
                if (next.isPresent()) {
                    here = next.orElseThrow();
                    path.add(arg);
                    continue;
                }
            }
            rest.add(arg);
            boolean takesValue = arg.equals("--data") || arg.equals("--api");
            if (here instanceof CommandNode.Command || (!takesValue && !arg.startsWith("-"))) {
                rest.addAll(args.subList(i + 1, args.size()));
                break;
            }
            if (takesValue && i + 1 < args.size()) {
                rest.add(args.get(++i));
            }
        }
        return new ResolvedCommand(String.join(" ", path), here, rest);
    }

    /** Whether {@code --help} is an option of this command, not part of a guest's command line. */
    boolean wantsHelp(CommandNode.Command command) {
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
