/**
 * The daemon: reads its configuration, builds every part by constructor, starts and stops them.
 *
 * <p>{@link org.allod.host.Daemon} is the one place where parts meet; adapters between rooms that do not know each other
 * ({@link org.allod.host.EdgeAdapter}, {@link org.allod.host.CatalogPublisher}) live here. Depends on everything below it.
 */
@NullMarked
package org.allod.host;

import org.jspecify.annotations.NullMarked;
