package org.allod.state;

/**
 * What a host says of itself.
 *
 * @param address where it is spoken to; may differ from where it listens
 * @param region its place; hosts of one region are near to one another
 */
public record HostInfo(SiteId id, String address, String region) {}
