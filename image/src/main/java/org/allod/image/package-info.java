/**
 * OCI images: pulled, verified, flattened once into a read-only file system image, stored by content, collected.
 *
 * <p>{@link org.allod.image.ImageStore} is the interface, {@link org.allod.image.LocalImageStore} the implementation and the
 * place to start reading. Images come from registries, OCI layout folders, archives and Debian packages; the result is an
 * {@link org.allod.image.Image}: a digest, its configuration, and the path of one EROFS file that every machine of that
 * image shares. {@code Flattener} applies layers; whiteouts are in {@code RootfsTree}. Everything read from an image is
 * untrusted until parsed: docs/decisions/041 and 042.
 *
 * <p>Thread rule: safe for any thread; concurrent pulls of the same content do the work once. A pull owns its staging folder
 * and runs on a platform thread. Depends on {@code linux} and {@code base}.
 */
@NullMarked
package org.allod.image;

import org.jspecify.annotations.NullMarked;
