package org.allod.host;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.api.RateLimits;
import org.allod.base.RejectedException;
import org.allod.machine.DiskBounds;

/**
 * The daemon's configuration. Everything has a default; the command line overrides it, and so does the environment if a
 * variable is named.
 *
 * @param data everything that must survive a reboot ({@code --data}, {@code ALLOD_DATA})
 * @param tools the bundled binaries: runsc, the guest's kernel and PID 1 ({@code --tools}, {@code ALLOD_TOOLS})
 * @param api address of the API ({@code --api}, {@code ALLOD_API})
 * @param edge address of the edge ({@code --edge})
 * @param edgeTls address for TLS, opened once a service needs it; empty for port 443 beside 80, else 8443 ({@code
 *     --edge-tls})
 * @param region the region of this host ({@code --region})
 * @param domain what follows an app's name in its host name ({@code --domain})
 * @param runtime the runtime of machines that name none; empty for the strongest that passed its probe
 * @param idleGrace how long an idle machine with autostop stays up ({@code --idle})
 * @param memoryMb memory for machines; 0 for the host's memory less a reserve ({@code --memory})
 * @param hostKey file of the key that seals secrets ({@code --host-key}, {@code ALLOD_HOST_KEY})
 * @param site URL at which external services reach the API, for machine identities ({@code --site})
 * @param rates rate limits of the API over TCP ({@code --rate-limits})
 * @param connections maximum clients of each listener ({@code --connections})
 * @param tenants what apps' tokens may do ({@code --app-registries}, {@code --app-registry-credentials}, {@code
 *     --app-ports}, {@code --app-cert-roots})
 * @param disk how much of the data folder's disk is promised to machines ({@code --disk-promise}, {@code --disk-low},
 *     {@code --disk-full})
 * @param memoryRelease how often to look whether memory can be given back; zero for never ({@code --memory-release})
 * @param forgetSecrets whether to delete what is sealed under a key that is lost ({@code --forget-secrets yes})
 */
record HostConfig(
        Path data,
        Path tools,
        InetSocketAddress api,
        InetSocketAddress edge,
        Optional<InetSocketAddress> edgeTls,
        String region,
        String domain,
        Optional<String> runtime,
        Duration idleGrace,
        int memoryMb,
        Path hostKey,
        Optional<String> site,
        boolean forgetSecrets,
        RateLimits.Paces rates,
        ConnectionLimits connections,
        TenantOptions tenants,
        DiskBounds disk,
        Duration memoryRelease) {
    static final String USAGE = """
            usage: allod host [--data DIR] [--tools DIR] [--api ADDR:PORT] [--edge ADDR:PORT] [--edge-tls ADDR:PORT]
                              [--region NAME] [--domain NAME] [--runtime microvm|gvisor] [--idle SECONDS]
                              [--memory MB] [--host-key FILE] [--forget-secrets yes] [--site URL]
                              [--rate-limits usual|fly|off|action=PER_SECOND/BURST,…]
                              [--connections edge=N,edge-address=N,api=N,api-address=N]
                              [--app-registries HOST[:PORT]|RANGE,…] [--app-registry-credentials own|operator]
                              [--app-ports FIRST-LAST|none] [--app-cert-roots FILE]
                              [--disk-promise PERCENT] [--disk-low MB] [--disk-full MB]
                              [--memory-release SECONDS]

            Runs the daemon in the foreground, as a service manager would. `allod up` runs it in the background.

            example: allod host --data /var/lib/allod --api 127.0.0.1:4280 --edge 0.0.0.0:80
            """;

    /** Parses the command line; refuses unknown options. */
    static HostConfig parse(List<String> args, Map<String, String> env) {
        String data = env.getOrDefault("ALLOD_DATA", "/var/lib/allod");
        String tools = env.getOrDefault("ALLOD_TOOLS", "");
        String api = env.getOrDefault("ALLOD_API", "127.0.0.1:4280");
        String edge = "127.0.0.1:8080";
        String edgeTls = "";
        String region = "local";
        String domain = "localhost";
        Optional<String> runtime = Optional.empty();
        int idle = 300;
        int memory = 0;
        String hostKey = env.getOrDefault("ALLOD_HOST_KEY", "");
        Optional<String> site = Optional.empty();
        boolean forget = false;
        RateLimits.Paces rates = RateLimits.Paces.USUAL;
        ConnectionLimits connections = ConnectionLimits.usual();
        TenantOptions tenants = TenantOptions.USUAL;
        DiskBounds disk = DiskBounds.USUAL;
        int memoryRelease = 60;
        Iterator<String> words = args.iterator();
        while (words.hasNext()) {
            String option = words.next();
            if (!words.hasNext()) {
                throw RejectedException.because(RejectedException.Reason.INVALID, option + " wants a value", USAGE);
            }
            String value = words.next();
            if (TenantOptions.has(option)) {
                tenants = tenants.with(option, value);
                continue;
            }
            switch (option) {
                case "--data" -> data = value;
                case "--tools" -> tools = value;
                case "--api" -> api = value;
                case "--edge" -> edge = value;
                case "--edge-tls" -> edgeTls = value;
                case "--region" -> region = name(option, value);
                case "--domain" -> domain = name(option, value);
                case "--runtime" -> runtime = Optional.of(runtime(value));
                case "--idle" -> idle = number(option, value, 1, 86_400);
                case "--memory" -> memory = number(option, value, 64, 1 << 24);
                case "--host-key" -> hostKey = value;
                case "--site" -> site = Optional.of(site(option, value));
                case "--rate-limits" -> rates = RateLimits.Paces.parse(value);
                case "--connections" -> connections = connections.with(value);
                case "--disk-promise" ->
                    disk = new DiskBounds(number(option, value, 0, 100), disk.lowBytes(), disk.fullBytes());
                case "--disk-low" ->
                    disk = new DiskBounds(disk.promisePercent(), megabytes(option, value), disk.fullBytes());
                case "--disk-full" ->
                    disk = new DiskBounds(disk.promisePercent(), disk.lowBytes(), megabytes(option, value));
                case "--memory-release" -> memoryRelease = number(option, value, 0, 86_400);
                case "--forget-secrets" -> forget = yes(option, value);
                default ->
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID, "unknown option " + option, USAGE);
            }
        }
        Path folder = Path.of(data).toAbsolutePath().normalize();
        return new HostConfig(
                folder,
                tools.isEmpty() ? folder.resolve("tools") : Path.of(tools).toAbsolutePath(),
                address("--api", api),
                address("--edge", edge),
                edgeTls.isEmpty() ? Optional.empty() : Optional.of(address("--edge-tls", edgeTls)),
                region,
                domain,
                runtime,
                Duration.ofSeconds(idle),
                memory,
                hostKey.isEmpty()
                        ? folder.resolve("host.key")
                        : Path.of(hostKey).toAbsolutePath(),
                site,
                forget,
                rates,
                connections,
                tenants,
                disk,
                Duration.ofSeconds(memoryRelease));
    }

    private static long megabytes(String option, String value) {
        return (long) number(option, value, 1, 1 << 24) << 20;
    }

    private static String site(String option, String value) {
        if (!value.matches("https?://[A-Za-z0-9.:\\[\\]-]{1,255}")) {
            throw RejectedException.invalid(
                    "%s is \"%s\": it must be a URL without a path, such as https://cloud.example.com"
                            .formatted(option, value));
        }
        return value;
    }

    private static boolean yes(String option, String value) {
        if (!value.equals("yes")) {
            throw RejectedException.invalid("%s is \"%s\": it must be yes, and is then meant".formatted(option, value));
        }
        return true;
    }

    private static String runtime(String value) {
        if (!List.of("microvm", "gvisor").contains(value)) {
            throw RejectedException.invalid("--runtime is \"%s\": it must be microvm or gvisor".formatted(value));
        }
        return value;
    }

    private static String name(String option, String value) {
        if (!value.matches("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")) {
            throw RejectedException.invalid(
                    "%s is \"%s\": it must be small letters, digits, dots and hyphens".formatted(option, value));
        }
        return value;
    }

    private static int number(String option, String value, int min, int max) {
        try {
            int number = Integer.parseInt(value);
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Reported below.
        }
        throw RejectedException.invalid(
                "%s is \"%s\": it must be a number from %d to %d".formatted(option, value, min, max));
    }

    /** {@code ADDR:PORT}, {@code [v6]:PORT} or a bare port on loopback. */
    static InetSocketAddress address(String option, String text) {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "127.0.0.1" : text.substring(0, colon);
        int port = number(option + "'s port", text.substring(colon + 1), 0, 65_535);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "%s is \"%s\": there is no such address".formatted(option, text),
                    "give ADDR:PORT, such as 127.0.0.1:4280");
        }
        return address;
    }
}
