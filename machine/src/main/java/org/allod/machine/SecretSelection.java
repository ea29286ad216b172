package org.allod.machine;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.RejectedException;

/**
 * Which of its app's secrets one process or container of a machine has in its environment. Names, never values: those
 * are asked for when it boots.
 *
 * @param ofApp whether it has all that the machine has
 * @param named those it names besides
 */
public record SecretSelection(boolean ofApp, List<Named> named) {
    /** Whatever the machine has, which is what one main process has too. */
    static final SecretSelection USUAL = new SecretSelection(true, List.of());

    private static final String VARIABLE = "[A-Za-z_][A-Za-z0-9_]{0,254}";

    /**
     * One secret and the variable it becomes.
     *
     * @param field where the configuration names it, for errors
     */
    public record Named(String field, String variable, String secret) {}

    /** Of a process: those it names over the app's, or instead of them where it says so. */
    static SecretSelection ofProcess(StrictJsonReader in) {
        List<Named> named = named(in);
        return new SecretSelection(!in.bool("ignore_app_secrets").orElse(false), named);
    }

    /** Of a container: those it names and no others, or the app's where it names none. */
    static SecretSelection ofContainer(StrictJsonReader in) {
        List<Named> named = named(in);
        return new SecretSelection(named.isEmpty(), named);
    }

    private static List<Named> named(StrictJsonReader in) {
        List<Named> named = in.objects("secrets", SecretSelection::one);
        Set<String> variables = new HashSet<>();
        for (Named one : named) {
            if (!variables.add(one.variable)) {
                throw RejectedException.invalid(
                        "%s sets the variable %s twice".formatted(in.path("secrets"), one.variable));
            }
        }
        return named;
    }

    private static Named one(StrictJsonReader in) {
        String variable = in.string("env_var")
                .filter(v -> v.matches(VARIABLE))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        in.path("env_var") + " must be the name of a variable: letters, digits and underscores, "
                                + "and no digit first",
                        "name says which secret, where its name is another"));
        String secret = in.string("name").filter(n -> !n.isEmpty()).orElse(variable);
        return new Named(in.path("env_var").replaceAll("\\.env_var$", ""), variable, secret);
    }
}
