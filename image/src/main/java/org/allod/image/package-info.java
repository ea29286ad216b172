/**
 * OCI images: pulled, verified, flattened once into a read-only file system image, kept by content, collected.
 *
 * <p>{@link org.allod.image.ImageStore} is the door, {@link org.allod.image.LocalImageStore} what is behind it. Images
 * come from registries, OCI layout folders, archives and Debian packages; what leaves is an {@link
 * org.allod.image.Image}: a digest, its configuration, and the path of one EROFS file every machine of that image
 * shares. Everything read from an image is hostile until parsed: docs/decisions/041 and 042.
 *
 * <p>Thread rule: safe from any thread; two pulls of the same content do the work once. Depends on {@code linux} and
 * {@code base}.
 */
@NullMarked
package org.allod.image;

import org.jspecify.annotations.NullMarked;
