package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A file system image, mounted for real, read-only. */
record MountedImage(Path root) implements AutoCloseable {
    static MountedImage of(Path image, Path scratch) throws IOException, InterruptedException {
        Path root = Files.createTempDirectory(scratch, "mnt");
        run("mount", "-o", "ro,loop,nodev,nosuid", image.toString(), root.toString());
        return new MountedImage(root);
    }

    /** Every name with what a machine sees of it: {@code stat}'s own words. */
    List<String> listing() throws IOException, InterruptedException {
        return run(root, "find", ".", "-mindepth", "1", "-printf", "%P %y %m %U:%G %T@ %n %s %l\n")
                .lines()
                .sorted()
                .toList();
    }

    List<String> names() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            return all.filter(path -> !path.equals(root))
                    .map(path -> root.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }

    String text(String path) throws IOException {
        return Files.readString(root.resolve(path));
    }

    @Override
    public void close() throws IOException, InterruptedException {
        run("umount", root.toString());
    }

    static byte[] bytes(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        byte[] output = process.getInputStream().readAllBytes();
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed");
        }
        return output;
    }

    static String run(String... command) throws IOException, InterruptedException {
        return run(Path.of("/"), command);
    }

    static String run(Path folder, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return output;
    }
}
