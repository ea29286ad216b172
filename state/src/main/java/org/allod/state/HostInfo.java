package org.allod.state;

/**
 * What a host announces about itself.
 *
 * @param address the address that others send to; may differ from the one that it listens on
 * @param region its location; hosts of one region are close to each other
 */
public record HostInfo(SiteId id, String address, String region) {}
