package org.allod.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ParseResult;

/** A command's arguments, parsed and checked. Options are looked up by their first name. */
final class ParsedArgs {
    private final ParseResult parsed;

    ParsedArgs(CommandNode.Command command, ParseResult parsed) {
        this.parsed = parsed;
        for (CommandNode.Option option : command.options()) {
            option(option.names().getFirst())
                    .filter(value ->
                            !option.choices().isEmpty() && !option.choices().contains(value.toLowerCase(Locale.ROOT)))
                    .ifPresent(value -> {
                        throw RejectedException.because(
                                RejectedException.Reason.INVALID,
                                option.names().getFirst() + " is '" + value + "'",
                                "it is one of: " + String.join(", ", option.choices()));
                    });
        }
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(value(name));
    }

    Optional<String> option(String name) {
        return value(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** An integer of at least {@code least}, if given. */
    Optional<Integer> number(String name, int least) {
        if (!(value(name) instanceof Integer number)) {
            return Optional.empty();
        }
        if (number < least) {
            throw RejectedException.invalid(name + " is " + number + ", but must be at least " + least);
        }
        return Optional.of(number);
    }

    /** Every value of a repeatable option, in order. */
    List<String> options(String name) {
        return value(name) instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }

    /** A required positional argument. */
    String required(int index) {
        return optional(index).orElseThrow(() -> RejectedException.invalid("an argument is missing"));
    }

    Optional<String> optional(int index) {
        return parsed.hasMatchedPositional(index)
                        && parsed.matchedPositional(index).getValue() instanceof String text
                ? Optional.of(text)
                : Optional.empty();
    }

    /** All positional arguments from this index on. */
    List<String> rest(int index) {
        return parsed.hasMatchedPositional(index)
                        && parsed.matchedPositional(index).getValue() instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }

    private @Nullable Object value(String name) {
        return parsed.matchedOptionValue(name, null);
    }
}
