package org.allod.image;

/**
 * How much of an image is taken before it is refused. An image is hostile: forty kilobytes of gzip can hold forty
 * megabytes, and a name can be longer than memory.
 *
 * @param manifestBytes of a manifest or index; registries allow 4 MiB
 * @param configBytes of an image configuration
 * @param layers in one image
 * @param blobBytes of one blob as it travels
 * @param imageBytes of all layers together when unpacked
 * @param entries files, folders and links of all layers together; about 250 bytes of memory each
 * @param depth of folders within folders
 */
public record ImageLimits(
        int manifestBytes, int configBytes, int layers, long blobBytes, long imageBytes, int entries, int depth) {
    /** Bytes in a path. The kernel's PATH_MAX, less room for the staging folder's own path. */
    static final int PATH_BYTES = 3_500;

    /** Bytes in one name: one less than Linux takes, since mkfs.erofs 1.5 fails on a name of 255. */
    static final int NAME_BYTES = 254;

    /** Bytes of extended headers before one entry of an archive. */
    static final int HEADER_BYTES = 1 << 20;

    /** Generous: the largest images in common use (machine learning) have half as much of everything. */
    public static final ImageLimits DEFAULT =
            new ImageLimits(4 << 20, 4 << 20, 256, 32L << 30, 64L << 30, 400_000, 200);

    /**
     * Where an app's token names the image. Half a pull's disk is its unpacked files and half the file system made of
     * them, so an app's two pulls at once ({@link WorkSlots}) take at most 64 GiB for a while; images of services have
     * below 2 GiB and 100,000 files, the largest in common use (machine learning) 12 GiB.
     */
    public static final ImageLimits APP = new ImageLimits(4 << 20, 4 << 20, 128, 16L << 30, 16L << 30, 200_000, 200);

    public ImageLimits withImageBytes(long bytes) {
        return new ImageLimits(manifestBytes, configBytes, layers, blobBytes, bytes, entries, depth);
    }

    public ImageLimits withEntries(int count) {
        return new ImageLimits(manifestBytes, configBytes, layers, blobBytes, imageBytes, count, depth);
    }
}
