/**
 * The daemon: reads its configuration, builds every part with constructors, starts and stops them.
 *
 * <p>Start reading at {@link org.allod.host.Daemon}, the only class that knows all parts. Adapters between rooms that do not
 * know each other live here: {@link org.allod.host.EdgeAdapter} (edge and machines), {@link org.allod.host.CatalogPublisher}
 * (machines to edge), {@link org.allod.host.CertificatePublisher} (certificates to edge), {@link org.allod.host.TrustAdapter}
 * and {@link org.allod.host.VolumeKeyring} (secrets and keys to machines).
 *
 * <p>Thread rule: {@code Daemon} is built and closed by one thread; adapters are safe for any thread. The catalog's routes
 * belong to the loop thread of {@code CatalogPublisher}. Depends on everything below it.
 */
@NullMarked
package org.allod.host;

import org.jspecify.annotations.NullMarked;
