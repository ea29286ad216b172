package org.allod.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.image.RegistryPolicy;
import org.allod.machine.RawPorts;

/**
 * What apps' tokens may do on this host, as the operator configures it.
 *
 * @param registries registries beyond public ones that they may use ({@code --app-registries})
 * @param operatorCredentials whether they pull with the operator's credentials ({@code --app-registry-credentials})
 * @param ports the edge's ports for raw TCP ({@code --app-ports})
 * @param roots certificate authorities trusted for host names in addition to Java's, in PEM ({@code --app-cert-roots})
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

    /** A copy with one option of the command line. */
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
