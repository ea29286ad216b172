package org.allod.image;

/**
 * A manifest's description of a blob.
 *
 * @param mediaType the declared media type
 * @param size in bytes, as transferred
 */
record Descriptor(String mediaType, Digest digest, long size) {}
