package org.allod.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/** {@code allod image …} */
final class ImageCommands {
    private ImageCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("pull", "fetch an image from a registry", ImageCommands::pull)
                        .takes("REFERENCE", CommandNode.Kind.WORD, "such as registry.example/team/web:1.2")
                        .more("Credentials come from the Docker auth file of the daemon's user. A cut connection costs"
                                + " nothing: the next try goes on where it broke.")
                        .example("allod image pull debian:12"),
                new CommandNode.Command("import", "bring in an OCI layout folder or an archive", ImageCommands::bring)
                        .takes(
                                "PATH",
                                CommandNode.Kind.FILE,
                                "an OCI layout folder, or a tar of one or of `docker save`")
                        .option("--tag -t", "NAME", "what to call it (the file's name)")
                        .example("allod image import web.tar -t web"),
                new CommandNode.Command("build", "make an image from Debian packages", ImageCommands::build)
                        .option("--tag -t", "NAME", "what to call it")
                        .many("--debian", "PACKAGE", CommandNode.Kind.WORD, "a package to install; repeatable")
                        .mayTakeMany("PACKAGE", CommandNode.Kind.WORD, "further packages")
                        .many("--copy", "SRC:DST", CommandNode.Kind.WORD, "a file or folder to put into it; repeatable")
                        .option("--cmd", "COMMAND", "what it runs: words, or a JSON array of them")
                        .many("--env -e", "K=V", CommandNode.Kind.WORD, "a variable of its environment; repeatable")
                        .many("--port -p", "PORT", CommandNode.Kind.WORD, "a port it serves; repeatable")
                        .more("The same packages and files give the same image, bit for bit.")
                        .example("allod image build -t web --debian busybox-static --copy site:/srv"
                                + " --cmd 'busybox httpd -f -p 8080 -h /srv' -p 8080"),
                new CommandNode.Command("list", "list the images of this host", ImageCommands::list)
                        .example("allod image list"),
                new CommandNode.Command("remove", "forget images, and give back their space", ImageCommands::remove)
                        .takesMany("IMAGE", CommandNode.Kind.IMAGE, "as `allod image list` shows it")
                        .example("allod image remove web"));
    }

    private static int pull(CommandContext context) {
        return done(
                context,
                ImageTask.run(
                        context,
                        "/v1/host/images/pull",
                        Json.obj("reference", context.given().required(0))));
    }

    private static int bring(CommandContext context) {
        Path path = existing(context.given().required(0));
        String name = context.given().option("--tag").orElseGet(() -> MachineRunCommand.appOf(path.toString()));
        return done(
                context,
                ImageTask.run(context, "/v1/host/images/import", Json.obj("path", path.toString(), "name", name)));
    }

    private static int build(CommandContext context) {
        ParsedArgs args = context.given();
        String name = args.option("--tag")
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID, "the image has no name", "give it one with -t NAME"));
        List<String> packages = new ArrayList<>(args.options("--debian"));
        packages.addAll(args.rest(0));
        if (packages.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "no package to make the image of",
                    "name one with --debian PACKAGE");
        }
        List<Json> copies =
                args.options("--copy").stream().map(ImageCommands::copy).toList();
        List<Integer> ports =
                args.options("--port").stream().map(ImageCommands::port).toList();
        return done(
                context,
                ImageTask.run(
                        context,
                        "/v1/host/images/build",
                        request(
                                name,
                                packages,
                                copies,
                                command(args.option("--cmd").orElse("")),
                                args.options("--env"),
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
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "--copy " + pair + " does not say what goes where",
                    "write it as SOURCE:/PATH/IN/THE/IMAGE");
        }
        return Json.obj(
                "source", existing(pair.substring(0, colon)).toString(), "destination", pair.substring(colon + 1));
    }

    private static Path existing(String typed) {
        Path path = Path.of(typed).toAbsolutePath().normalize();
        if (!Files.exists(path)) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND, "there is no file " + path, "check the path");
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
            // Reported below.
        }
        throw RejectedException.invalid("--port " + text + " is not a port: 1 to 65535");
    }

    /** A JSON array such as {@code ["a","b c"]} as it is; other text is split at spaces, honouring quotes. */
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
            throw RejectedException.invalid("--cmd " + text + " has a quote that does not end");
        }
        if (word != null) {
            words.add(word.toString());
        }
        return words;
    }

    private static int done(CommandContext context, Json image) {
        if (context.json()) {
            context.print(image);
        } else {
            context.console()
                    .line(image.at("reference").text() + "  "
                            + image.at("digest").text() + "  "
                            + ImageTask.size(image.at("bytes").number(0)));
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get("/v1/host/images");
        List<Json> images = answer.at("images").items();
        if (context.json()) {
            context.print(answer.at("images"));
        } else if (images.isEmpty()) {
            context.console().note("no images yet; `allod image pull REFERENCE` fetches one");
        } else {
            Table table = new Table("reference", "digest", "size", "age");
            for (Json image : images) {
                String digest = image.at("digest").text();
                table.row(
                        image.at("reference").text(),
                        digest.length() > 19 ? digest.substring(0, 19) : digest,
                        ImageTask.size(image.at("bytes").number(0)),
                        MachineCommands.age(context, image.at("created_at").text()));
            }
            table.print(context.console());
        }
        return ExitCode.DONE;
    }

    private static int remove(CommandContext context) {
        DaemonClient daemon = context.daemon();
        for (String image : context.given().rest(0)) {
            daemon.delete("/v1/host/images?reference=" + DaemonClient.encode(image));
        }
        Json freed = daemon.call("POST", "/v1/host/images/collect", Json.none(), Duration.ofMinutes(2));
        if (context.json()) {
            context.print(freed);
        } else {
            context.console().line(ImageTask.size(freed.at("bytes").number(0)) + " given back");
        }
        return ExitCode.DONE;
    }
}
