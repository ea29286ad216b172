package org.allod.image;

import java.nio.file.Path;
import java.util.Map;

/**
 * The configuration of a host's image store.
 *
 * @param folder holds everything; the disk needs space for two copies of an image while it is made
 * @param limits limits for images that the operator requests
 * @param appLimits limits for images that an app's token requests
 * @param policy the registries that an app's token may use
 * @param credentials a folder with registry credentials of apps, {@code APP.json} each, in Docker's format
 * @param platform the platform to select from a multi-platform image, such as {@code linux/amd64}
 * @param apt the host's apt configuration, whose Debian sources builds use
 * @param home the home folder of the user whose Docker credentials are used
 * @param env the environment; {@code DOCKER_CONFIG} and {@code REGISTRY_AUTH_FILE} are looked up in it
 */
public record ImageStoreConfig(
        Path folder,
        ImageLimits limits,
        ImageLimits appLimits,
        RegistryPolicy policy,
        Path credentials,
        String platform,
        Path apt,
        Path home,
        Map<String, String> env) {
    public ImageStoreConfig {
        env = Map.copyOf(env);
    }

    /** The defaults of a normal host. */
    public static ImageStoreConfig in(Path folder) {
        return new ImageStoreConfig(
                folder,
                ImageLimits.DEFAULT,
                ImageLimits.APP,
                RegistryPolicy.USUAL,
                folder.resolveSibling("registry-credentials"),
                "linux/" + architecture(System.getProperty("os.arch", "amd64")),
                Path.of("/etc/apt"),
                Path.of(System.getProperty("user.home", "/root")),
                System.getenv());
    }

    public ImageStoreConfig withLimits(ImageLimits next) {
        return new ImageStoreConfig(folder, next, appLimits, policy, credentials, platform, apt, home, env);
    }

    public ImageStoreConfig withEnv(Map<String, String> next) {
        return new ImageStoreConfig(folder, limits, appLimits, policy, credentials, platform, apt, home, next);
    }

    public ImageStoreConfig withPolicy(RegistryPolicy next) {
        return new ImageStoreConfig(folder, limits, appLimits, next, credentials, platform, apt, home, env);
    }

    ImageStoreConfig withAppLimits(ImageLimits next) {
        return new ImageStoreConfig(folder, limits, next, policy, credentials, platform, apt, home, env);
    }

    ImageLimits limits(Requester by) {
        return by.tenant().isPresent() ? appLimits : limits;
    }

    /** Maps Java's processor names to those of OCI images. */
    private static String architecture(String java) {
        return switch (java) {
            case "x86_64", "amd64" -> "amd64";
            case "aarch64" -> "arm64";
            default -> java;
        };
    }
}
