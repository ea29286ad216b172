package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Generates the completion script from the tree that parsing uses. One bash table holds, for each node of the tree, its
 * subcommands and options, the kind of each option's value, and the kinds of its arguments.
 */
final class BashCompletion {
    private BashCompletion() {}

    static String script(CommandNode.Branch root) {
        StringBuilder table = new StringBuilder();
        walk(table, "", root);
        return """
        # bash completion for allod: source <(allod completion bash)
        _allod() {
            local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
            local path="" words="" options="" values="" kind="" i word
            _allod_place ""
            for ((i = 1; i < COMP_CWORD; i++)); do
                word="${COMP_WORDS[i]}"
                case " $words " in
                    *" $word "*) path="${path:+$path }$word"; _allod_place "$path" ;;
                esac
            done
            if [[ " $values " == *" $previous="* ]]; then
                kind="${values#*"$previous="}"; kind="${kind%%%% *}"
                options="" words=""
            elif [[ "$current" == -* ]]; then
                kind=""
            else
                options=""
            fi
            case "$kind" in
                "") ;;
                file) COMPREPLY=($(compgen -f -- "$current")); return ;;
                one:*) words="${kind#one:}"; words="${words//|/ }" ;;
                command) words="$_allod_roots" ;;
                word|number) ;;
                *) words="$words $("${COMP_WORDS[0]}" completion bash "$kind" 2>/dev/null)" ;;
            esac
            COMPREPLY=($(compgen -W "$words $options" -- "$current"))
        }

        _allod_roots="%s"

        _allod_place() {
            case "$1" in
        %s    *) ;;
            esac
        }

        complete -o bashdefault -F _allod allod
        complete -o bashdefault -F _allod ./allod
        """.formatted(
                String.join(
                        " ", root.words().get().stream().map(CommandNode::name).toList()),
                table);
    }

    private static void walk(StringBuilder table, String path, CommandNode node) {
        List<String> words = new ArrayList<>();
        List<String> options = new ArrayList<>();
        List<String> values = new ArrayList<>();
        String kind = "";
        PicocliAdapter.EVERYWHERE.forEach(option -> add(options, values, option));
        node.words().get().forEach(below -> words.add(below.name()));
        switch (node) {
            case CommandNode.Branch _ -> {}
            case CommandNode.Command command -> {
                command.options().forEach(option -> add(options, values, option));
                if (!command.positionals().isEmpty()) {
                    kind = kind(command.positionals().getFirst().kind());
                }
            }
        }
        table.append("        \"").append(path).append("\") words=\"").append(String.join(" ", words));
        table.append("\" options=\"").append(String.join(" ", options));
        table.append("\" values=\"").append(String.join(" ", values));
        table.append("\" kind=\"").append(kind).append("\" ;;\n");
        node.words().get().forEach(below -> walk(table, (path + " " + below.name()).strip(), below));
    }

    private static void add(List<String> options, List<String> values, CommandNode.Option option) {
        options.addAll(option.names());
        if (!option.isFlag()) {
            String value =
                    option.choices().isEmpty() ? kind(option.kind()) : "one:" + String.join("|", option.choices());
            option.names().forEach(name -> values.add(name + "=" + value));
        }
    }

    private static String kind(CommandNode.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }
}
