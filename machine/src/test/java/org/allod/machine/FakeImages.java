package org.allod.machine;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.RejectedException;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.image.Requester;

/** One image, {@code web}; any other is not found. For the run types' harness. */
final class FakeImages implements ImageStore {
    static final String DIGEST = "sha256:" + "ab".repeat(32);

    private static final Image WEB = new Image(
            "web:latest",
            DIGEST,
            new Image.Config(
                    List.of(), List.of("/bin/web"), List.of("A=1"), "/srv", "", List.of(8080), "SIGQUIT", List.of()),
            Path.of("/nowhere/web.erofs"),
            1,
            Instant.EPOCH);

    @Override
    public Image ensure(String reference, Requester by, Progress progress) {
        return find(reference).orElseThrow(() -> RejectedException.notFound("there is no image " + reference));
    }

    @Override
    public void admit(String reference, Requester by) {
        if (by.tenant().isPresent() && reference.startsWith("oci:")) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN, reference + " is the operator's to name");
        }
    }

    @Override
    public Image pull(String reference, Progress progress) {
        return ensure(reference, progress);
    }

    @Override
    public Image importFrom(Path source, String name, Progress progress) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Image build(BuildSpec spec, Progress progress) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Optional<Image> find(String reference) {
        return reference.startsWith("web") || reference.equals(DIGEST) ? Optional.of(WEB) : Optional.empty();
    }

    /** Other apps' is what has a name in a registry. */
    @Override
    public Optional<Image> find(String reference, String app) {
        return reference.contains("/") ? Optional.empty() : find(reference);
    }

    @Override
    public List<Image> list() {
        return List.of(WEB);
    }

    @Override
    public void remove(String reference) {}

    @Override
    public long collect(Set<String> inUse) {
        return 0;
    }
}
