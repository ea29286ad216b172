package org.allod.machine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.allod.base.RejectedException;

/**
 * One of several processes that share a machine's root file system. When the first of them ends, for whatever reason,
 * the others are asked to stop and the machine ends with that one's exit code.
 *
 * @param env overrides the machine's variables
 * @param secrets override all other variables
 * @param user empty for the image's
 */
public record ProcessConfig(
        String name,
        MachineConfig.Command command,
        Map<String, String> env,
        List<EnvFrom> envFrom,
        SecretSelection secrets,
        String user) {
    private static final int MOST = 32;

    /** A variable whose value is one of the machine's own fields. */
    public record EnvFrom(String variable, Field field) {
        /** As the API names them. */
        public enum Field {
            ID,
            VERSION,
            APP_NAME,
            PRIVATE_IP,
            REGION,
            IMAGE;

            /** The field's value for this machine. */
            String of(Machine m) {
                return switch (this) {
                    case ID -> m.id().text();
                    case VERSION -> m.version().toString();
                    case APP_NAME -> m.app();
                    case PRIVATE_IP -> m.address();
                    case REGION -> m.region();
                    case IMAGE -> m.config().image();
                };
            }
        }

        static EnvFrom read(StrictJsonReader in) {
            String variable = in.string("env_var").orElse("");
            ConfigReader.checkEnvName(in.path("env_var"), variable);
            String field = in.oneOf("field_ref", List.of("id", "version", "app_name", "private_ip", "region", "image"))
                    .orElseThrow(() ->
                            RejectedException.invalid(in.path("field_ref") + " is missing: a field of the machine"));
            return new EnvFrom(variable, Field.valueOf(field.toUpperCase(java.util.Locale.ROOT)));
        }
    }

    static List<ProcessConfig> read(StrictJsonReader config) {
        List<ProcessConfig> all = config.objects("processes", ProcessConfig::one);
        if (all.size() > MOST) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d".formatted(config.path("processes"), all.size(), MOST));
        }
        Set<String> taken = new HashSet<>();
        List<ProcessConfig> named = new ArrayList<>();
        for (ProcessConfig process : all) {
            // The API gives processes no name; logs need one.
            String name = process.name;
            for (int n = 2; !taken.add(name); n++) {
                name = process.name + "-" + n;
            }
            named.add(new ProcessConfig(
                    name, process.command, process.env, process.envFrom, process.secrets, process.user));
        }
        return List.copyOf(named);
    }

    private static ProcessConfig one(StrictJsonReader in) {
        MachineConfig.Command command = InitReader.command(in);
        return new ProcessConfig(
                label(command),
                command,
                ConfigReader.env(in),
                in.objects("env_from", EnvFrom::read),
                SecretSelection.ofProcess(in),
                in.string("user").orElse(""));
    }

    /** The file name of the command's first word, as {@code ps} shows it. */
    private static String label(MachineConfig.Command command) {
        List<String> words = !command.exec().isEmpty()
                ? command.exec()
                : !command.entrypoint().isEmpty() ? command.entrypoint() : command.cmd();
        String word = words.isEmpty() ? "main" : words.getFirst();
        String last = word.substring(word.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9._-]", "");
        return last.isEmpty() ? "process" : last.substring(0, Math.min(last.length(), 40));
    }
}
