package org.allod.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/**
 * {@code allod secrets …}. A value need never be an argument, which other processes can read and the shell stores in
 * its history: it comes from standard input or a file.
 */
final class SecretCommands {
    private static final int MAX_INPUT = 2 << 20;

    private SecretCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("set", "set secrets, all at once", SecretCommands::set)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app whose secrets they are")
                        .takesMany(
                                "NAME=-|NAME=@FILE",
                                CommandNode.Kind.WORD,
                                "the value from standard input, or from a file")
                        .flag("--base64", "encode the values, as config.files[].secret_name wants them")
                        .more("One end of line at the end of a value is dropped. NAME=VALUE works too, and warns: other"
                                + " processes see arguments, and the shell remembers them. Machines get changed secrets"
                                + " when they boot next.")
                        .example("allod secrets set --app shop DB_PASSWORD=- < password.txt")
                        .example("allod secrets set --app shop --base64 TLS_KEY=@key.pem"),
                new CommandNode.Command(
                                "list", "list secrets: names, digests, when they were set", SecretCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app whose secrets they are")
                        .example("allod secrets list --app shop --json"),
                new CommandNode.Command("unset", "forget secrets", SecretCommands::unset)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app whose secrets they are")
                        .takesMany("NAME…", CommandNode.Kind.WORD, "which")
                        .example("allod secrets unset --app shop DB_PASSWORD"),
                new CommandNode.Command(
                                "import",
                                "set secrets from lines of NAME=VALUE on standard input",
                                SecretCommands::lines)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app whose secrets they are")
                        .more("Empty lines and lines that begin with # are left out; quotes around a whole value are"
                                + " dropped. All lines are set, or none.")
                        .example("allod secrets import --app shop < shop.env"));
    }

    static String app(ParsedArgs args) {
        return args.option("--app")
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID, "--app is missing", "name the app: --app NAME"));
    }

    private static String path(ParsedArgs args) {
        return "/v1/apps/" + DaemonClient.encode(app(args)) + "/secrets";
    }

    private static int set(CommandContext context) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>();
        boolean encode = context.given().flag("--base64");
        boolean read = false;
        boolean shown = false;
        for (String pair : context.given().rest(0)) {
            int eq = pair.indexOf('=');
            if (eq < 1) {
                // The argument may be a value without its name, so it is not repeated.
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "an argument is not NAME=- or NAME=@FILE",
                        "`allod secrets set --help` shows how it is used");
            }
            String name = pair.substring(0, eq);
            String from = pair.substring(eq + 1);
            byte[] value;
            if (from.equals("-")) {
                if (read) {
                    throw RejectedException.invalid(
                            "two values cannot both come from standard input; put one in a file");
                }
                read = true;
                value = input();
            } else if (from.startsWith("@")) {
                value = file(Path.of(from.substring(1)));
            } else {
                shown = true;
                value = from.getBytes(StandardCharsets.UTF_8);
            }
            values.put(name, encode ? Base64.getEncoder().encodeToString(value) : text(name, value));
        }
        if (shown) {
            context.console()
                    .note("a value was an argument: other processes could see it, and the shell remembers it; "
                            + "NAME=- reads it from standard input");
        }
        return update(context, values, "set");
    }

    private static int lines(CommandContext context) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>();
        int number = 0;
        for (String line : text("standard input", input()).split("\n", -1)) {
            number++;
            String stripped = line.strip();
            if (stripped.isEmpty() || stripped.startsWith("#")) {
                continue;
            }
            int eq = stripped.indexOf('=');
            if (eq < 1) {
                throw RejectedException.invalid(
                        "line " + number + " of standard input is not NAME=VALUE; nothing was set");
            }
            values.put(
                    stripped.substring(0, eq).strip(),
                    unquoted(stripped.substring(eq + 1).strip()));
        }
        if (values.isEmpty()) {
            throw RejectedException.invalid("standard input has no line of NAME=VALUE");
        }
        return update(context, values, "set");
    }

    private static int unset(CommandContext context) {
        String path = path(context.given());
        DaemonClient daemon = context.daemon();
        List<String> known = daemon.get(path).at("secrets").items().stream()
                .map(s -> s.at("name").text())
                .toList();
        Map<String, Object> values = new LinkedHashMap<>();
        for (String name : context.given().rest(0)) {
            if (!known.contains(name)) {
                throw RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "app " + app(context.given()) + " has no secret " + name,
                        "`allod secrets list --app " + app(context.given()) + "` shows those it has");
            }
            values.put(name, Json.none());
        }
        return update(context, values, "unset");
    }

    private static int update(CommandContext context, Map<String, Object> values, String done) {
        Json answer = context.daemon().post(path(context.given()), Json.obj("values", values));
        if (context.json()) {
            context.print(answer);
        } else {
            context.console()
                    .line(done + " " + String.join(", ", values.keySet()) + "; the app's secrets are at version "
                            + answer.at("version").text());
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get(path(context.given()));
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("secrets").items().isEmpty()) {
            context.console().note("no secrets yet; `allod secrets set` sets one");
            return ExitCode.DONE;
        }
        Table table = new Table("name", "digest", "updated");
        for (Json secret : answer.at("secrets").items()) {
            table.row(
                    secret.at("name").text(),
                    secret.at("digest").text(),
                    secret.at("updated_at").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static byte[] input() throws IOException {
        return chomped(bounded(System.in, "standard input"));
    }

    /** Reads a small file, relative to the working folder. */
    static byte[] file(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return chomped(bounded(in, file.toString()));
        } catch (java.nio.file.NoSuchFileException e) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND, "there is no file " + file, "nothing was changed");
        } catch (IOException e) {
            throw new FailedException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static byte[] bounded(InputStream in, String what) throws IOException {
        byte[] bytes = in.readNBytes(MAX_INPUT + 1);
        if (bytes.length > MAX_INPUT) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE, what + " is larger than any secret may be");
        }
        return bytes;
    }

    private static byte[] chomped(byte[] bytes) {
        int end = bytes.length;
        if (end > 0 && bytes[end - 1] == '\n') {
            end -= end > 1 && bytes[end - 2] == '\r' ? 2 : 1;
        }
        return java.util.Arrays.copyOf(bytes, end);
    }

    static String text(String name, byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID, "the value of " + name + " is not text", "add --base64");
        }
    }

    private static String unquoted(String value) {
        char first = value.length() > 1 ? value.charAt(0) : 'x';
        boolean quoted = (first == '"' || first == '\'') && value.charAt(value.length() - 1) == first;
        return quoted ? value.substring(1, value.length() - 1) : value;
    }
}
