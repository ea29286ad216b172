package org.allod.image;

/**
 * What a manifest says of a blob it needs.
 *
 * @param mediaType what it claims to be
 * @param size in bytes, as it travels
 */
record Descriptor(String mediaType, Digest digest, long size) {}
