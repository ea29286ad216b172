package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.allod.image.ImageStore.Progress;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flattened layers against what the kernel makes of the same layers. */
class LayersTest {
    @TempDir
    Path scratch;

    /**
     * Random changes are made in a real overlay mount, layer upon layer; each layer's upper folder becomes a layer of
     * an image. The image must then look as the last mount did.
     */
    @Test
    void randomLayers_flattened_lookAsTheOverlayMountOfThem() throws Exception {
        Campaign.of("layers").play(4, seed -> round(new Random(seed), scratch.resolve("round" + seed)));
    }

    private void round(Random random, Path home) throws Exception {
        OciLayoutBuilder layout = new OciLayoutBuilder(home.resolve("layout"));
        String lower = Files.createDirectories(home.resolve("empty")).toString();
        List<String> expected = List.of();
        for (int layer = 0; layer < 4; layer++) {
            Path upper = Files.createDirectories(home.resolve("upper" + layer));
            Path work = Files.createDirectories(home.resolve("work" + layer));
            Path merged = Files.createDirectories(home.resolve("merged" + layer));
            MountedImage.run(
                    "mount",
                    "-t",
                    "overlay",
                    "overlay",
                    "-o",
                    "redirect_dir=off,index=off,metacopy=off,lowerdir=" + lower + ",upperdir=" + upper + ",workdir="
                            + work,
                    merged.toString());
            try (MountedImage mounted = new MountedImage(merged)) {
                for (int i = 0; i < 25; i++) {
                    change(random, merged, layer * 100 + i);
                }
                expected = facts(mounted);
            }
            layout.layer(layerOf(upper));
            lower = upper + ":" + lower;
        }
        try (Fixture fixture = new Fixture(home.resolve("library"))) {
            Image image = fixture.library.importFrom(layout.done(), "random", Progress.NONE);
            try (MountedImage mounted = MountedImage.of(image.rootImage(), home)) {
                assertThat(facts(mounted)).isEqualTo(expected);
            }
        }
    }

    /** Folders have no fixed size, and an overlay counts a hard link's names per layer; all else must agree. */
    private static List<String> facts(MountedImage mounted) throws Exception {
        return MountedImage.run(
                        mounted.root(),
                        "sh",
                        "-c",
                        "find . -mindepth 1 ! -type d -printf '%P %y %m %U:%G %Ts %s %l\\n'; "
                                + "find . -mindepth 1 -type d -printf '%P %y %m %U:%G %Ts\\n'; "
                                + "find . -type f -exec sha256sum {} +")
                .lines()
                .sorted()
                .toList();
    }

    private static void change(Random random, Path root, int id) throws Exception {
        List<Path> folders = new ArrayList<>(List.of(root));
        List<Path> all = new ArrayList<>();
        try (var found = Files.walk(root)) {
            found.filter(path -> !path.equals(root)).sorted().forEach(path -> {
                all.add(path);
                if (Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
                    folders.add(path);
                }
            });
        }
        Path folder = folders.get(random.nextInt(folders.size()));
        Path target = all.isEmpty() ? root.resolve("nothing") : all.get(random.nextInt(all.size()));
        Path fresh = folder.resolve("n" + random.nextInt(12));
        String to = fresh.toString();
        switch (random.nextInt(9)) {
            case 0, 1 ->
                shell(
                        "[ -d '%s' ] || { rm -f '%s'; echo content-%d > '%s'; touch -d @%d '%s'; }",
                        to, to, id, to, 1_000_000 + id, to);
            case 2, 3 -> shell("[ -e '%s' -o -L '%s' ] || mkdir -m 0750 '%s'", to, to, to);
            case 4 -> shell("[ -e '%s' -o -L '%s' ] || ln -s '../n%d' '%s'", to, to, random.nextInt(12), to);
            case 5 -> shell("rm -rf '%s'", target);
            case 6 -> shell("rm -rf '%s'; mkdir '%s'; echo again-%d > '%s/n1'", target, target, id, target);
            case 7 ->
                shell(
                        "[ -L '%s' -o ! -e '%s' ] || { chmod %o '%s'; chown -h %d:%d '%s'; }",
                        target,
                        target,
                        04000 | random.nextInt(01000),
                        target,
                        random.nextInt(70000),
                        random.nextInt(70000),
                        target);
            default ->
                shell(
                        "[ ! -f '%s' -o -L '%s' -o -e '%s' -o -L '%s' ] || ln '%s' '%s'",
                        target, target, to, to, target, to);
        }
    }

    private static void shell(String command, Object... arguments) throws IOException, InterruptedException {
        MountedImage.run("sh", "-c", command.formatted(arguments));
    }

    /** An overlay's upper folder as a layer: device 0:0 is a whiteout, an attribute marks what is opaque. */
    private static byte[] layerOf(Path upper) throws Exception {
        byte[] raw = MountedImage.bytes(
                "tar",
                "--format=pax",
                "--xattrs",
                "--xattrs-include=*",
                "--sort=name",
                "-C",
                upper.toString(),
                "-cf-",
                ".");
        TarReader reader = new TarReader(new java.io.ByteArrayInputStream(raw));
        TarMaker whiteouts = new TarMaker();
        List<String> gone = new ArrayList<>();
        for (TarEntry entry = reader.next(); entry != null; entry = reader.next()) {
            String path = entry.path().replaceFirst("^\\./", "").replaceFirst("/$", "");
            if (entry.type() == TarEntry.Type.CHARACTER_DEVICE && entry.major() == 0 && entry.minor() == 0) {
                int slash = path.lastIndexOf('/') + 1;
                whiteouts.file(path.substring(0, slash) + ".wh." + path.substring(slash), "");
                gone.add(path);
            }
            byte[] opaque = entry.xattrs().get("trusted.overlay.opaque");
            if (opaque != null && new String(opaque, ISO_8859_1).equals("y")) {
                whiteouts.file(path + "/.wh..wh..opq", "");
            }
        }
        byte[] rest = MountedImage.bytes(ordered(upper, gone));
        byte[] marks = whiteouts.bytes();
        // Whiteouts come last, though most tools write them first: the order must not matter.
        byte[] whole = java.util.Arrays.copyOf(rest, end(rest) + marks.length);
        System.arraycopy(marks, 0, whole, end(rest), marks.length);
        return whole;
    }

    private static String[] ordered(Path upper, List<String> gone) {
        List<String> command =
                new ArrayList<>(List.of("tar", "--format=pax", "--sort=name", "--anchored", "--no-wildcards"));
        gone.forEach(path -> command.add("--exclude=./" + path));
        command.addAll(List.of("-C", upper.toString(), "-cf-", "."));
        return command.toArray(String[]::new);
    }

    /** Where the empty blocks at the end begin. */
    private static int end(byte[] tar) {
        int at = tar.length;
        while (at >= 512 && allZero(tar, at - 512)) {
            at -= 512;
        }
        return at;
    }

    private static boolean allZero(byte[] bytes, int from) {
        for (int i = from; i < from + 512; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }
}
