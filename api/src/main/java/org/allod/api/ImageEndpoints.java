package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for the host's images. Slow work streams progress lines; the last line is the image or the error. */
public final class ImageEndpoints {
    private static final String ALL = "/v1/host/images";

    /** Maximum progress lines waiting to be sent; further ones are dropped, because progress is informational. */
    private static final int MAX_LINES = 64;

    private final ImageStore images;
    private final Supplier<Set<String>> inUse;

    /** @param inUse digests of images that this host's machines need */
    public ImageEndpoints(ImageStore images, Supplier<Set<String>> inUse) {
        this.images = images;
        this.inUse = inUse;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(HttpMethod.GET, ALL, "Images_list", "List images", List.of(), this::list),
                endpoint(
                        HttpMethod.DELETE, ALL, "Images_delete", "Forget an image", List.of("reference"), this::remove),
                endpoint(HttpMethod.POST, ALL + "/pull", "Images_pull", "Pull an image", List.of(), this::pull),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/import",
                        "Images_import",
                        "Import an OCI layout or archive of this host",
                        List.of(),
                        this::bring),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/build",
                        "Images_build",
                        "Build an image from Debian packages",
                        List.of(),
                        this::build),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/collect",
                        "Images_collect",
                        "Remove content nothing needs",
                        List.of(),
                        this::collect));
    }

    private Response list(ApiRequest request) {
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("images");
        images.list().forEach(image -> list.add(view(image)));
        return Response.ok(body);
    }

    private static ObjectNode view(Image image) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("reference", image.reference())
                .put("digest", image.digest())
                .put("bytes", image.bytes())
                .put("created_at", image.created().toString());
        ArrayNode cmd = node.putArray("cmd");
        image.config().entrypoint().forEach(cmd::add);
        image.config().cmd().forEach(cmd::add);
        ArrayNode ports = node.putArray("ports");
        image.config().exposedPorts().forEach(ports::add);
        return node;
    }

    private Response remove(ApiRequest request) {
        String reference = request.query("reference")
                .orElseThrow(() -> RejectedException.invalid("reference is missing: which image to forget"));
        images.remove(reference);
        return Response.ok(MachineViews.JSON.objectNode().put("ok", true).put("bytes", images.collect(inUse.get())));
    }

    private Response collect(ApiRequest request) {
        return Response.ok(MachineViews.JSON.objectNode().put("bytes", images.collect(inUse.get())));
    }

    private Response pull(ApiRequest request) {
        StrictJsonReader in = request.body();
        String reference = required(in, "reference");
        in.done();
        return lines(progress -> images.pull(reference, progress));
    }

    private Response bring(ApiRequest request) {
        StrictJsonReader in = request.body();
        Path path = Path.of(required(in, "path"));
        String name = required(in, "name");
        in.done();
        return lines(progress -> images.importFrom(path, name, progress));
    }

    private Response build(ApiRequest request) {
        StrictJsonReader in = request.body();
        ImageStore.BuildSpec spec = new ImageStore.BuildSpec(
                required(in, "name"),
                in.strings("packages"),
                in.objects(
                        "copies",
                        c -> new ImageStore.BuildSpec.Copy(Path.of(required(c, "source")), required(c, "destination"))),
                in.strings("cmd"),
                in.strings("env"),
                in.integers("ports", 1, 65_535));
        in.done();
        return lines(progress -> images.build(spec, progress));
    }

    private static String required(StrictJsonReader in, String name) {
        return in.string(name)
                .filter(v -> !v.isBlank())
                .orElseThrow(() -> RejectedException.invalid(in.path(name) + " is missing"));
    }

    private interface Work {
        Image run(ImageStore.Progress progress);
    }

    /**
     * Runs the work on its own thread and streams its progress. The work is cancelled when its client leaves, unless
     * another client waits for the same image.
     */
    private static Response lines(Work work) {
        return new Response.Lines(sink -> {
            LinkedBlockingQueue<ObjectNode> queue = new LinkedBlockingQueue<>(MAX_LINES);
            FutureTask<Image> task =
                    new FutureTask<>(() -> work.run((phase, detail, done, total) -> queue.offer(MachineViews.JSON
                            .objectNode()
                            .put("phase", phase)
                            .put("detail", detail)
                            .put("done", done)
                            .put("total", total))));
            Thread.ofVirtual().name("image work").start(task);
            try {
                while (sink.open() && (!task.isDone() || !queue.isEmpty())) {
                    ObjectNode line = queue.poll(50, TimeUnit.MILLISECONDS);
                    if (line != null) {
                        sink.line(line);
                    }
                }
                if (!task.isDone()) {
                    return;
                }
            } finally {
                task.cancel(true);
            }
            ObjectNode last = MachineViews.JSON.objectNode();
            last.set("image", view(result(task)));
            sink.line(last);
        });
    }

    private static Image result(FutureTask<Image> task) throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new Bug("unexpected failure of image work", e);
            }
        }
    }
}
