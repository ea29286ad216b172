package org.allod.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rejected;
import org.jspecify.annotations.Nullable;

/** {@code allod image …} */
final class ImageWords {
    private ImageWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("pull", "fetch an image from a registry", ImageWords::pull)
                        .takes("REFERENCE", Word.Kind.WORD, "such as registry.example/team/web:1.2")
                        .more("Credentials come from the Docker auth file of the daemon's user. A cut connection costs"
                                + " nothing: the next try goes on where it broke.")
                        .example("allod image pull debian:12"),
                new Word.Command("import", "bring in an OCI layout folder or an archive", ImageWords::bring)
                        .takes("PATH", Word.Kind.FILE, "an OCI layout folder, or a tar of one or of `docker save`")
                        .option("--tag -t", "NAME", "what to call it (the file's name)")
                        .example("allod image import web.tar -t web"),
                new Word.Command("build", "make an image from Debian packages", ImageWords::build)
                        .option("--tag -t", "NAME", "what to call it")
                        .many("--debian", "PACKAGE", Word.Kind.WORD, "a package to install; repeatable")
                        .mayTakeMany("PACKAGE", Word.Kind.WORD, "further packages")
                        .many("--copy", "SRC:DST", Word.Kind.WORD, "a file or folder to put into it; repeatable")
                        .option("--cmd", "COMMAND", "what it runs: words, or a JSON array of them")
                        .many("--env -e", "K=V", Word.Kind.WORD, "a variable of its environment; repeatable")
                        .many("--port -p", "PORT", Word.Kind.WORD, "a port it serves; repeatable")
                        .more("The same packages and files give the same image, bit for bit.")
                        .example("allod image build -t web --debian busybox-static --copy site:/srv"
                                + " --cmd 'busybox httpd -f -p 8080 -h /srv' -p 8080"),
                new Word.Command("list", "list the images of this host", ImageWords::list).example("allod image list"),
                new Word.Command("remove", "forget images, and give back their space", ImageWords::remove)
                        .takesMany("IMAGE", Word.Kind.IMAGE, "as `allod image list` shows it")
                        .example("allod image remove web"));
    }

    private static int pull(Session session) {
        return done(
                session,
                ImageWork.run(
                        session,
                        "/v1/host/images/pull",
                        Json.obj("reference", session.given().take(0))));
    }

    private static int bring(Session session) {
        Path path = existing(session.given().take(0));
        String name = session.given().option("--tag").orElseGet(() -> RunMachine.appOf(path.toString()));
        return done(
                session,
                ImageWork.run(session, "/v1/host/images/import", Json.obj("path", path.toString(), "name", name)));
    }

    private static int build(Session session) {
        Given given = session.given();
        String name = given.option("--tag")
                .orElseThrow(() ->
                        Rejected.because(Rejected.Reason.INVALID, "the image has no name", "give it one with -t NAME"));
        List<String> packages = new ArrayList<>(given.options("--debian"));
        packages.addAll(given.rest(0));
        if (packages.isEmpty()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID, "no package to make the image of", "name one with --debian PACKAGE");
        }
        List<Json> copies =
                given.options("--copy").stream().map(ImageWords::copy).toList();
        List<Integer> ports =
                given.options("--port").stream().map(ImageWords::port).toList();
        return done(
                session,
                ImageWork.run(
                        session,
                        "/v1/host/images/build",
                        request(
                                name,
                                packages,
                                copies,
                                command(given.option("--cmd").orElse("")),
                                given.options("--env"),
                                ports)));
    }

    static Json request(
            String name,
            List<String> packages,
            List<Json> copies,
            List<String> cmd,
            List<String> env,
            List<Integer> ports) {
        return Json.obj("name", name, "packages", packages, "copies", copies, "cmd", cmd, "env", env, "ports", ports);
    }

    static Json copy(String pair) {
        int colon = pair.lastIndexOf(':');
        if (colon < 1 || !pair.startsWith("/", colon + 1)) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    "--copy " + pair + " does not say what goes where",
                    "write it as SOURCE:/PATH/IN/THE/IMAGE");
        }
        return Json.obj(
                "source", existing(pair.substring(0, colon)).toString(), "destination", pair.substring(colon + 1));
    }

    private static Path existing(String typed) {
        Path path = Path.of(typed).toAbsolutePath().normalize();
        if (!Files.exists(path)) {
            throw Rejected.because(Rejected.Reason.NOT_FOUND, "there is no file " + path, "check the path");
        }
        return path;
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            if (port > 0 && port < 65536) {
                return port;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw Rejected.invalid("--port " + text + " is not a port: 1 to 65535");
    }

    /** {@code ["a","b c"]} as it is; anything else split at spaces, with quotes honoured. */
    static List<String> command(String text) {
        if (text.startsWith("[")) {
            return Json.parse(text).items().stream().map(Json::text).toList();
        }
        List<String> words = new ArrayList<>();
        @Nullable StringBuilder word = null;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote != 0 ? c == quote : c == '\'' || c == '"') {
                quote = quote == 0 ? c : 0;
                word = word == null ? new StringBuilder() : word;
            } else if (quote == 0 && Character.isWhitespace(c)) {
                if (word != null) {
                    words.add(word.toString());
                    word = null;
                }
            } else {
                word = word == null ? new StringBuilder() : word;
                word.append(c);
            }
        }
        if (quote != 0) {
            throw Rejected.invalid("--cmd " + text + " has a quote that does not end");
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    private static int done(Session session, Json image) {
        if (session.json()) {
            session.print(image);
        } else {
            session.screen()
                    .line(image.at("reference").text() + "  "
                            + image.at("digest").text() + "  "
                            + ImageWork.size(image.at("bytes").number(0)));
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        Json answer = session.daemon().get("/v1/host/images");
        List<Json> images = answer.at("images").items();
        if (session.json()) {
            session.print(answer.at("images"));
        } else if (images.isEmpty()) {
            session.screen().note("no images yet; `allod image pull REFERENCE` fetches one");
        } else {
            Table table = new Table("reference", "digest", "size", "age");
            for (Json image : images) {
                String digest = image.at("digest").text();
                table.row(
                        image.at("reference").text(),
                        digest.length() > 19 ? digest.substring(0, 19) : digest,
                        ImageWork.size(image.at("bytes").number(0)),
                        MachineWords.age(session, image.at("created_at").text()));
            }
            table.print(session.screen());
        }
        return ExitCode.DONE;
    }

    private static int remove(Session session) {
        Daemon daemon = session.daemon();
        for (String image : session.given().rest(0)) {
            daemon.delete("/v1/host/images?reference=" + Daemon.encode(image));
        }
        Json freed = daemon.call("POST", "/v1/host/images/collect", Json.none(), Duration.ofMinutes(2));
        if (session.json()) {
            session.print(freed);
        } else {
            session.screen().line(ImageWork.size(freed.at("bytes").number(0)) + " given back");
        }
        return ExitCode.DONE;
    }
}
