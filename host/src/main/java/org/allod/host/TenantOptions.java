package org.allod.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.image.RegistryPolicy;
import org.allod.machine.RawPorts;

/**
 * What apps' tokens may do on this host, where that is the operator's to say.
 *
 * @param registries what beside public registries they may name an image of ({@code --app-registries})
 * @param operatorCredentials whether they pull with the operator's credentials ({@code --app-registry-credentials})
 * @param ports the ports of the edge for what is not HTTP ({@code --app-ports})
 * @param roots authorities that are trusted for host names beside Java's, in PEM ({@code --app-cert-roots})
 */
record TenantOptions(String registries, boolean operatorCredentials, RawPorts ports, Optional<Path> roots) {
    static final TenantOptions USUAL = new TenantOptions("", false, RawPorts.USUAL, Optional.empty());

    private static final List<String> NAMES =
            List.of("--app-registries", "--app-registry-credentials", "--app-ports", "--app-cert-roots");

    TenantOptions {
        var _ = RegistryPolicy.parse(registries, operatorCredentials);
    }

    static boolean has(String option) {
        return NAMES.contains(option);
    }

    /** The same with one option of the command line. */
    TenantOptions with(String option, String value) {
        return switch (option) {
            case "--app-registries" -> new TenantOptions(value, operatorCredentials, ports, roots);
            case "--app-registry-credentials" -> new TenantOptions(registries, whose(value), ports, roots);
            case "--app-ports" -> new TenantOptions(registries, operatorCredentials, RawPorts.parse(value), roots);
            default -> new TenantOptions(registries, operatorCredentials, ports, Optional.of(Path.of(value)));
        };
    }

    private static boolean whose(String value) {
        if (!List.of("own", "operator").contains(value)) {
            throw RejectedException.invalid(
                    "--app-registry-credentials is \"%s\": it must be own or operator".formatted(value));
        }
        return value.equals("operator");
    }

    RegistryPolicy policy() {
        return RegistryPolicy.parse(registries, operatorCredentials);
    }
}
