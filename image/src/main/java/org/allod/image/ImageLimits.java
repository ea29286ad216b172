package org.allod.image;

/**
 * Limits on an image. An image is hostile: forty kilobytes of gzip can hold forty megabytes, and a name can be longer
 * than memory.
 *
 * @param manifestBytes size of a manifest or index; registries allow 4 MiB
 * @param configBytes size of an image configuration
 * @param layers number of layers
 * @param blobBytes size of one blob as transferred
 * @param imageBytes size of all layers together when unpacked
 * @param entries files, folders and links of all layers together; about 250 bytes of memory each
 * @param depth nesting of folders
 */
public record ImageLimits(
        int manifestBytes, int configBytes, int layers, long blobBytes, long imageBytes, int entries, int depth) {
    /** Maximum bytes of a path: the kernel's PATH_MAX, less space for the staging folder's own path. */
    static final int PATH_BYTES = 3_500;

    /** Maximum bytes of a name: one less than Linux allows, because mkfs.erofs 1.5 fails on a name of 255. */
    static final int NAME_BYTES = 254;

    /** Maximum bytes of extended headers before one entry of an archive. */
    static final int HEADER_BYTES = 1 << 20;

    /** The operator's limits: the largest images in common use (machine learning) need half as much of everything. */
    public static final ImageLimits DEFAULT =
            new ImageLimits(4 << 20, 4 << 20, 256, 32L << 30, 64L << 30, 400_000, 200);

    /**
     * The limits if an app's token names the image. Half of a pull's disk space is its unpacked files and half the file
     * system made from them, so an app's two concurrent pulls ({@link WorkSlots}) take at most 64 GiB temporarily;
     * images of services have below 2 GiB and 100,000 files, the largest in common use (machine learning) 12 GiB.
     */
    public static final ImageLimits APP = new ImageLimits(4 << 20, 4 << 20, 128, 16L << 30, 16L << 30, 200_000, 200);

    public ImageLimits withImageBytes(long bytes) {
        return new ImageLimits(manifestBytes, configBytes, layers, blobBytes, bytes, entries, depth);
    }

    public ImageLimits withEntries(int count) {
        return new ImageLimits(manifestBytes, configBytes, layers, blobBytes, imageBytes, count, depth);
    }
}
