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
import org.allod.base.Failed;
import org.allod.base.Rejected;

/**
 * {@code allod secrets …}. A value never has to be an argument, which every process of the host can read and the shell
 * remembers: it comes from standard input or from a file.
 */
final class SecretWords {
    private static final int MAX_INPUT = 2 << 20;

    private SecretWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("set", "set secrets, all at once", SecretWords::set)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app whose secrets they are")
                        .takesMany("NAME=-|NAME=@FILE", Word.Kind.WORD, "the value from standard input, or from a file")
                        .flag("--base64", "encode the values, as config.files[].secret_name wants them")
                        .more("One end of line at the end of a value is dropped. NAME=VALUE works too, and warns: other"
                                + " processes see arguments, and the shell remembers them. Machines get changed secrets"
                                + " when they boot next.")
                        .example("allod secrets set --app shop DB_PASSWORD=- < password.txt")
                        .example("allod secrets set --app shop --base64 TLS_KEY=@key.pem"),
                new Word.Command("list", "list secrets: names, digests, when they were set", SecretWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app whose secrets they are")
                        .example("allod secrets list --app shop --json"),
                new Word.Command("unset", "forget secrets", SecretWords::unset)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app whose secrets they are")
                        .takesMany("NAME…", Word.Kind.WORD, "which")
                        .example("allod secrets unset --app shop DB_PASSWORD"),
                new Word.Command("import", "set secrets from lines of NAME=VALUE on standard input", SecretWords::lines)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app whose secrets they are")
                        .more("Empty lines and lines that begin with # are left out; quotes around a whole value are"
                                + " dropped. All lines are set, or none.")
                        .example("allod secrets import --app shop < shop.env"));
    }

    static String app(Given given) {
        return given.option("--app")
                .orElseThrow(() ->
                        Rejected.because(Rejected.Reason.INVALID, "--app is missing", "name the app: --app NAME"));
    }

    private static String path(Given given) {
        return "/v1/apps/" + Daemon.encode(app(given)) + "/secrets";
    }

    private static int set(Session session) throws IOException {
        Map<String, Object> values = new LinkedHashMap<>();
        boolean encode = session.given().flag("--base64");
        boolean read = false;
        boolean shown = false;
        for (String pair : session.given().rest(0)) {
            int eq = pair.indexOf('=');
            if (eq < 1) {
                // The whole word may be a value that lost its name, so it is not repeated.
                throw Rejected.because(
                        Rejected.Reason.INVALID,
                        "an argument is not NAME=- or NAME=@FILE",
                        "`allod secrets set --help` shows how it is used");
            }
            String name = pair.substring(0, eq);
            String from = pair.substring(eq + 1);
            byte[] value;
            if (from.equals("-")) {
                if (read) {
                    throw Rejected.invalid("two values cannot both come from standard input; put one in a file");
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
            session.screen()
                    .note("a value was an argument: other processes could see it, and the shell remembers it; "
                            + "NAME=- reads it from standard input");
        }
        return update(session, values, "set");
    }

    private static int lines(Session session) throws IOException {
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
                throw Rejected.invalid("line " + number + " of standard input is not NAME=VALUE; nothing was set");
            }
            values.put(
                    stripped.substring(0, eq).strip(),
                    unquoted(stripped.substring(eq + 1).strip()));
        }
        if (values.isEmpty()) {
            throw Rejected.invalid("standard input has no line of NAME=VALUE");
        }
        return update(session, values, "set");
    }

    private static int unset(Session session) {
        String path = path(session.given());
        Daemon daemon = session.daemon();
        List<String> known = daemon.get(path).at("secrets").items().stream()
                .map(s -> s.at("name").text())
                .toList();
        Map<String, Object> values = new LinkedHashMap<>();
        for (String name : session.given().rest(0)) {
            if (!known.contains(name)) {
                throw Rejected.because(
                        Rejected.Reason.NOT_FOUND,
                        "app " + app(session.given()) + " has no secret " + name,
                        "`allod secrets list --app " + app(session.given()) + "` shows those it has");
            }
            values.put(name, Json.none());
        }
        return update(session, values, "unset");
    }

    private static int update(Session session, Map<String, Object> values, String done) {
        Json answer = session.daemon().post(path(session.given()), Json.obj("values", values));
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen()
                    .line(done + " " + String.join(", ", values.keySet()) + "; the app's secrets are at version "
                            + answer.at("version").text());
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        Json answer = session.daemon().get(path(session.given()));
        if (session.json()) {
            session.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("secrets").items().isEmpty()) {
            session.screen().note("no secrets yet; `allod secrets set` sets one");
            return ExitCode.DONE;
        }
        Table table = new Table("name", "digest", "updated");
        for (Json secret : answer.at("secrets").items()) {
            table.row(
                    secret.at("name").text(),
                    secret.at("digest").text(),
                    secret.at("updated_at").text());
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static byte[] input() throws IOException {
        return chomped(bounded(System.in, "standard input"));
    }

    /** A small file, as the user names it from where they are. */
    static byte[] file(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return chomped(bounded(in, file.toString()));
        } catch (java.nio.file.NoSuchFileException e) {
            throw Rejected.because(Rejected.Reason.NOT_FOUND, "there is no file " + file, "nothing was changed");
        } catch (IOException e) {
            throw new Failed("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static byte[] bounded(InputStream in, String what) throws IOException {
        byte[] bytes = in.readNBytes(MAX_INPUT + 1);
        if (bytes.length > MAX_INPUT) {
            throw Rejected.because(Rejected.Reason.TOO_LARGE, what + " is larger than any secret may be");
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
            throw Rejected.because(Rejected.Reason.INVALID, "the value of " + name + " is not text", "add --base64");
        }
    }

    private static String unquoted(String value) {
        char first = value.length() > 1 ? value.charAt(0) : 'x';
        boolean quoted = (first == '"' || first == '\'') && value.charAt(value.length() - 1) == first;
        return quoted ? value.substring(1, value.length() - 1) : value;
    }
}
