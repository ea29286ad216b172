package org.allod.machine;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.RejectedException;

/**
 * Which secrets of the app one process or container of a machine gets in its environment. It holds names only; values
 * are read at each boot.
 *
 * @param ofApp whether it gets all that the machine gets
 * @param named secrets that it names in addition
 */
public record SecretSelection(boolean ofApp, List<Named> named) {
    /** All that the machine gets, which is also what a single main process gets. */
    static final SecretSelection USUAL = new SecretSelection(true, List.of());

    private static final String VARIABLE = "[A-Za-z_][A-Za-z0-9_]{0,254}";

    /**
     * One secret and the variable it becomes.
     *
     * @param field the field of the configuration that names it, for errors
     */
    public record Named(String field, String variable, String secret) {}

    /** A process gets the secrets that it names on top of the app's, or instead of them if it says so. */
    static SecretSelection ofProcess(StrictJsonReader in) {
        List<Named> named = named(in);
        return new SecretSelection(!in.bool("ignore_app_secrets").orElse(false), named);
    }

    /** A container gets only the secrets that it names, or the app's if it names none. */
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
