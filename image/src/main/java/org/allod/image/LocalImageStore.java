package org.allod.image;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.allod.image.ReadyImageStore.Ready;
import org.allod.linux.RegularFile;

/**
 * Stores this host's images on disk:
 *
 * <pre>
 * images/HEX/           ready images: root.erofs and image.json, by the manifest's digest
 * blobs/verified/HEX    verified blobs; a cache that the next collect empties
 * blobs/partial/HEX     partial downloads
 * staging/N/            work in progress; cleared at start
 * references.json       the digest of each name
 * lock                  held while this process works here
 * </pre>
 *
 * <p>An image is published by one rename of a folder whose content is already durable. What a crash interrupts
 * is in staging, which nothing refers to. Start reading at {@link #ensure}.
 */
public final class LocalImageStore implements ImageStore, AutoCloseable {
    static final String LAYOUT = "oci:";

    /**
     * An app's images together may be this many times as large as the largest permitted image: some hundred versions of
     * a typical one.
     */
    private static final long SHARE = 4;

    private final ImageStoreConfig settings;
    private final Clock clock;
    private final Timers timers;
    private final Retry retry;
    private final Path staging;
    private final FileChannel lock;
    private final BlobStore blobs;
    private final ReadyImageStore readyImages;
    private final TagIndex tags;
    private final TenantImages tenants;
    private final WorkSlots slots = new WorkSlots();
    private final PolicedConnector.Names names;
    private final KeyedLocks making = new KeyedLocks();
    private final AtomicLong rooms = new AtomicLong();

    /** Opens the folder of {@code settings}, creates what is missing and removes what a crash left. */
    public LocalImageStore(ImageStoreConfig settings, Clock clock, Timers timers, Rng rng) {
        this(settings, clock, timers, rng, PolicedConnector.Names.SYSTEM);
    }

    LocalImageStore(ImageStoreConfig settings, Clock clock, Timers timers, Rng rng, PolicedConnector.Names names) {
        this.settings = settings;
        this.names = names;
        this.clock = clock;
        this.timers = timers;
        this.retry = new Retry(timers, rng.fork("image retry"), Duration.ofMillis(250), Duration.ofSeconds(8));
        try {
            Path folder = Files.createDirectories(settings.folder());
            this.lock = lock(folder);
            this.staging = folder.resolve("staging");
            if (Files.isDirectory(staging)) {
                StagingFiles.empty(
                        staging); // the folder itself stays, because on a full disk it could not be created again
            } else {
                StagingFiles.remove(staging);
                Files.createDirectory(staging);
            }
            PrivateDirectory.folder(staging);
            this.blobs = new BlobStore(folder.resolve("blobs"), retry);
            this.readyImages = new ReadyImageStore(folder.resolve("images"));
            this.tags = new TagIndex(folder.resolve("references.json"));
        } catch (IOException e) {
            throw StagingFiles.failed("could not open the image folder " + settings.folder(), e);
        }
        this.tenants = new TenantImages(tags, settings.policy());
    }

    private static FileChannel lock(Path folder) throws IOException {
        FileChannel channel =
                FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // This process itself holds it; reported below.
        }
        channel.close();
        throw RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "the image folder " + folder + " is in use by another process",
                "stop the other Allod daemon, or give this one another data folder");
    }

    @Override
    public Image ensure(String reference, Requester by, Progress progress) {
        Image image = by.tenant().isPresent()
                ? ensureForTenant(reference, by, by.tenant().get(), progress)
                : ensureForOperator(reference, progress);
        by.forApp().ifPresent(app -> grant(Map.of(app, Set.of(image.digest()))));
        return image;
    }

    @Override
    public void admit(String reference, Requester by) {
        by.tenant().ifPresent(app -> tenants.admit(reference, app));
    }

    private Image ensureForTenant(String reference, Requester by, String app, Progress progress) {
        return tenants.admit(reference, app)
                .flatMap(readyImages::find)
                .map(ready -> ready.named(nameOf(reference)))
                .orElseGet(() -> pull(reference, by, progress));
    }

    /** The image's name without the digest that pins it. */
    private static String nameOf(String reference) {
        int at = reference.indexOf('@');
        String name = at > 0 ? reference.substring(0, at) : reference;
        return name.startsWith(LAYOUT)
                        || LocalImageName.read(name).isPresent()
                        || Digest.read(name).isPresent()
                ? name
                : ImageReference.parse(name).toString();
    }

    /** Grants images, by digest, to apps: their tokens may use them from now on. */
    public void grant(Map<String, Set<String>> images) {
        Map<String, Set<Digest>> digests = new HashMap<>();
        images.forEach((app, all) -> all.forEach(digest ->
                digests.computeIfAbsent(app, a -> new LinkedHashSet<>()).add(Digest.parse(digest, "an image in use"))));
        try {
            tags.grant(digests);
        } catch (IOException e) {
            throw StagingFiles.failed("could not note which apps have images", e);
        }
    }

    /** Whether any image is known to be given to this app. */
    public boolean knows(String app) {
        return tags.apps().contains(app);
    }

    /** Removes the grants of all apps that are not in {@code apps}. */
    public void retainApps(Set<String> apps) {
        tags.apps().stream().filter(app -> !apps.contains(app)).forEach(this::forgetApp);
    }

    /** Removes an app's grants and registry credentials, because the next app of this name may have another owner. */
    public void forgetApp(String app) {
        try {
            Files.deleteIfExists(settings.credentials().resolve(app + ".json"));
            tags.forget(app);
        } catch (IOException e) {
            throw StagingFiles.failed("could not forget the images of app " + app, e);
        }
    }

    private Image ensureForOperator(String reference, Progress progress) {
        Optional<Image> pinned = findPinned(reference);
        if (pinned.isPresent()) {
            return pinned.get();
        }
        if (reference.startsWith(LAYOUT)) {
            return layout(reference, progress);
        }
        Optional<Image> here = find(reference);
        return here.isPresent() ? here.get() : pull(reference, progress);
    }

    private Image layout(String reference, Progress progress) {
        OciLayoutReference parsed = OciLayoutReference.parse(reference.substring(LAYOUT.length()));
        Optional<Image> here = Files.exists(parsed.path()) ? Optional.empty() : find(reference);
        return here.orElseGet(() -> importLayout(parsed, LAYOUT + parsed, progress));
    }

    @Override
    public Image pull(String reference, Progress progress) {
        return pull(reference, Requester.operator(), progress);
    }

    private Image pull(String reference, Requester by, Progress progress) {
        ImageReference parsed = ImageReference.parse(reference);
        return work("pull " + parsed, by, room -> {
            DockerAuth auth = new DockerAuth(settings, by);
            PolicedConnector connector = new PolicedConnector(
                    by.tenant().isPresent() ? settings.policy()::allows : (host, port, address) -> true, names);
            ImageSource source =
                    Registry.of(parsed, auth.find(parsed), auth.place(), by, connector, timers, settings.limits(by));
            return make(source, by, Optional.empty(), parsed.toString(), room, progress);
        });
    }

    @Override
    public Image importFrom(Path source, String name, Progress progress) {
        return importLayout(OciLayoutReference.parse(source.toString()), LocalImageName.parse(name), progress);
    }

    private Image importLayout(OciLayoutReference from, String name, Progress progress) {
        return work("import " + from, Requester.operator(), room -> {
            if (!Files.exists(from.path())) {
                throw RejectedException.notFound("there is no image at " + from.path());
            }
            ImageSource source = Files.isDirectory(from.path())
                    ? new OciLayoutDirectory(from.path(), settings.limits())
                    : TarIndex.open(from.path(), room, settings.limits());
            return make(source, Requester.operator(), from.image(), name, room, progress);
        });
    }

    @Override
    public Image build(BuildSpec spec, Progress progress) {
        String name = LocalImageName.parse(spec.name());
        return work("build " + name, Requester.operator(), room -> {
            Path layout = new DebianBuild(settings, spec).layout(room, progress);
            ImageSource source = new OciLayoutDirectory(layout, settings.limits());
            return make(source, Requester.operator(), Optional.empty(), name, room, progress);
        });
    }

    @Override
    public Optional<Image> find(String reference) {
        Optional<Image> pinned = findPinned(reference);
        if (pinned.isPresent()) {
            return pinned;
        }
        String name = known(reference);
        return tags.find(name).flatMap(readyImages::find).map(ready -> ready.named(name));
    }

    @Override
    public Optional<Image> find(String reference, String app) {
        return tenants.held(reference, app).flatMap(readyImages::find).map(ready -> ready.named(nameOf(reference)));
    }

    /**
     * Finds an image by a digest, alone or after a name. The name is ignored, because it may refer to another image by
     * now.
     */
    private Optional<Image> findPinned(String reference) {
        int at = reference.indexOf('@');
        String digest = reference.substring(at + 1);
        return Digest.read(digest)
                .flatMap(readyImages::find)
                .map(ready -> ready.named(at < 0 ? digest : reference.substring(0, at)));
    }

    /**
     * The name under which a reference is stored: a local image takes precedence over a registry image of the same
     * name.
     */
    private String known(String reference) {
        if (reference.startsWith(LAYOUT)) {
            return LAYOUT + OciLayoutReference.parse(reference.substring(LAYOUT.length()));
        }
        Optional<String> local =
                LocalImageName.read(reference).filter(name -> tags.find(name).isPresent());
        return local.orElseGet(() -> ImageReference.parse(reference).toString());
    }

    @Override
    public List<Image> list() {
        List<Image> images = new ArrayList<>();
        tags.all()
                .forEach((name, digest) -> readyImages.find(digest).ifPresent(ready -> images.add(ready.named(name))));
        return images;
    }

    @Override
    public void remove(String reference) {
        try {
            if (!tags.remove(known(reference))) {
                throw RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no image named " + UntrustedText.printable(reference),
                        "allod image list shows the images of this host");
            }
        } catch (IOException e) {
            throw StagingFiles.failed("could not forget image " + reference, e);
        }
    }

    @Override
    public long collect(Set<String> inUse) {
        Set<Digest> keep = new HashSet<>(tags.all().values());
        inUse.forEach(digest -> keep.add(Digest.parse(digest, "an image in use")));
        return work("collect images", Requester.operator(), room -> {
            long bytes = 0;
            for (Digest digest : readyImages.all()) {
                try (KeyedLocks.Held _ = making.lock(digest.hex())) {
                    if (!keep.contains(digest) && !tags.all().containsValue(digest)) {
                        bytes += readyImages.remove(digest, room);
                        tags.forget(digest);
                    }
                }
            }
            return bytes + blobs.collect();
        });
    }

    /** Turns a source into a ready image under {@code name}. */
    private Image make(
            ImageSource source, Requester by, Optional<String> which, String name, Path room, Progress progress)
            throws IOException, InterruptedException {
        ManifestResolver manifests = new ManifestResolver(settings.platform(), settings.limits(by));
        SpaceGuard space = by.tenant().isPresent() ? SpaceGuard.reserving(staging) : SpaceGuard.unbounded();
        Manifest manifest = retry.get(source.attempts(), () -> manifests.resolve(source, which));
        boolean made = false;
        try {
            Image image = make(manifest, source, by, space, name, room, progress);
            made = true;
            return image;
        } finally {
            if (!made && by.tenant().isPresent()) {
                // Otherwise a registry that always breaks off could fill the disk with a tenant's partial downloads.
                blobs.discard(manifest);
            }
        }
    }

    private Image make(
            Manifest manifest,
            ImageSource source,
            Requester by,
            SpaceGuard space,
            String name,
            Path room,
            Progress progress)
            throws IOException, InterruptedException {
        try (BlobStore.Hold _ = blobs.hold(manifest)) {
            if (readyImages.find(manifest.digest()).isEmpty()) {
                by.tenant().ifPresent(app -> checkShare(app, manifest));
                // Outside the lock: a request for the same content from a faster registry must not wait for this one.
                fetch(manifest, source, space, progress);
            }
            try (KeyedLocks.Held _ = making.lock(manifest.digest().hex())) {
                Optional<Ready> here = readyImages.find(manifest.digest());
                Ready ready = here.isPresent() ? here.get() : make(manifest, source, by, space, room, progress);
                tags.set(name, manifest.digest());
                return ready.named(name);
            }
        }
    }

    /** Throws if the app's images would exceed its share of this host. */
    private void checkShare(String app, Manifest manifest) {
        long bound = settings.appLimits().imageBytes();
        if (manifest.bytes() > bound) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the image's layers are %d bytes, packed; an app's image may have %d unpacked"
                            .formatted(manifest.bytes(), bound),
                    "make a smaller image");
        }
        long held = tags.granted(app).stream()
                .flatMap(digest -> readyImages.find(digest).stream())
                .mapToLong(Ready::bytes)
                .sum();
        if (held + manifest.bytes() > SHARE * bound) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "app %s has images of %d MiB on this host, and may have %d"
                            .formatted(app, held >> 20, (SHARE * bound) >> 20),
                    "have the operator remove those it no longer needs (`allod image remove`)");
        }
    }

    private void fetch(Manifest manifest, ImageSource source, SpaceGuard space, Progress progress)
            throws IOException, InterruptedException {
        blobs.fetch(manifest.config(), source, space, progress);
        LayerFetcher.fetch(manifest.layers(), source, blobs, space, progress);
    }

    private Ready make(
            Manifest manifest, ImageSource source, Requester by, SpaceGuard space, Path room, Progress progress)
            throws IOException, InterruptedException {
        fetch(manifest, source, space, progress); // fetches nothing, unless the image was collected a moment ago
        ImageConfigCodec.Parsed config = ImageConfigCodec.parse(blobs.read(manifest.config()));
        if (!config.platform().equals(settings.platform()) && !config.platform().equals("/")) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    source.name() + " is an image for " + UntrustedText.printable(config.platform()) + ", not for "
                            + settings.platform());
        }
        Path root = new Flattener(settings.limits(by), space).flatten(manifest, config.layers(), blobs, room, progress);
        return readyImages.publish(manifest.digest(), config.config(), root, room, clock.wall());
    }

    private interface Work<T> {
        T in(Path room) throws IOException, InterruptedException;
    }

    /**
     * Runs work in a private folder that is removed afterwards. On a platform thread, because the work makes foreign
     * calls and starts programs, which block their thread.
     */
    private <T> T work(String attempt, Requester by, Work<T> work) {
        try (WorkSlots.Held _ = slots.take(by)) {
            return PlatformThreadCall.call("image: " + attempt, () -> {
                Path room = Files.createDirectory(staging.resolve(Long.toString(rooms.incrementAndGet())));
                try {
                    return work.in(room);
                } finally {
                    StagingFiles.remove(room);
                }
            });
        } catch (TooManyRequestsException e) {
            throw RejectedException.because(
                    RejectedException.Reason.RATE_LIMITED,
                    "could not " + attempt + ": " + e.getMessage(),
                    "wait a while, or log in: registries allow users more than strangers");
        } catch (RegularFile.NotRegular e) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "could not " + attempt + ": " + e.getFile() + " is not a regular file",
                    "give the file itself: links, pipes and devices are neither followed nor opened");
        } catch (ClosedByInterruptException | InterruptedIOException e) {
            throw interrupted(attempt, e);
        } catch (IOException e) {
            throw StagingFiles.failed("could not " + attempt, e);
        } catch (InterruptedException e) {
            throw interrupted(attempt, e);
        }
    }

    private static FailedException interrupted(String attempt, Exception e) {
        Thread.currentThread().interrupt();
        return new FailedException("could not " + attempt + ": it was interrupted", e);
    }

    /** Lets another process use the folder. Does not wait for work in progress. */
    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw StagingFiles.failed("could not close the image folder", e);
        }
    }
}
