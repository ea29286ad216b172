package org.allod.image;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.RejectedException;
import org.allod.image.ImageStore.Progress;

/**
 * Applies verified layers in order and builds one read-only file system image from them. Runs on one platform thread.
 */
final class Flattener {
    private final ImageLimits limits;
    private final SpaceGuard space;

    Flattener(ImageLimits limits, SpaceGuard space) {
        this.limits = limits;
        this.space = space;
    }

    /**
     * Builds the file system image of {@code manifest}'s layers.
     *
     * @param unpacked the digests of the unpacked layers in the configuration
     * @param staging an empty private folder; the caller removes what is left in it
     * @return the image file, in {@code staging}
     */
    Path flatten(Manifest manifest, List<Digest> unpacked, BlobStore blobs, Path staging, Progress progress)
            throws IOException, InterruptedException {
        if (unpacked.size() != manifest.layers().size()) {
            throw RejectedException.invalid("the image has " + manifest.layers().size()
                    + " layers but its configuration names " + unpacked.size());
        }
        RootfsTree tree = new RootfsTree(limits);
        FileContentStore contents = new FileContentStore(staging.resolve("contents"));
        LayerApplier reader = new LayerApplier(tree, contents);
        AtomicLong budget = new AtomicLong(limits.imageBytes());
        long total = manifest.bytes();
        long before = 0;
        for (int i = 0; i < unpacked.size(); i++) {
            Descriptor layer = manifest.layers().get(i);
            String name = layer.digest().brief();
            long start = before;
            try (LayerInputStream in = LayerInputStream.open(
                    blobs.path(layer.digest()),
                    name,
                    !layer.digest().equals(unpacked.get(i)),
                    budget,
                    space,
                    read -> progress.at("flatten", name, start + read, total))) {
                reader.apply(in, i);
                if (!in.is(unpacked.get(i))) {
                    throw RejectedException.invalid(
                            "layer " + name + " unpacks to something else than the configuration says");
                }
            } catch (EOFException e) {
                throw LayerInputStream.damaged(name, e);
            }
            interruptible();
            before += layer.size();
        }
        // The file system exists beside the files it is made of, and is about as large.
        space.needs(limits.imageBytes() - budget.get());
        return image(tree, contents, manifest.digest(), staging, progress);
    }

    private static Path image(
            RootfsTree tree, FileContentStore contents, Digest digest, Path staging, Progress progress)
            throws IOException, InterruptedException {
        Path folder = Files.createDirectory(staging.resolve("tree"));
        progress.at("flatten", "writing files", 0, 0);
        RootfsWriter.write(tree, contents, folder);
        StagingFiles.remove(
                contents.path()); // before the tool runs, so that files which later layers hid do not need space twice
        interruptible();
        progress.at("flatten", "making the file system", 0, 0);
        return RootfsImageBuilder.make(folder, staging, digest);
    }

    private static void interruptible() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }
}
