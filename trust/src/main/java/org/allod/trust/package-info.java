/**
 * Secrets and authority: an app's secrets and secret keys, its tokens and certificates, and the keys of encrypted volumes.
 *
 * <p>Start reading at {@link org.allod.trust.TrustModule}, which builds the room, and {@link org.allod.trust.Secrets}, the
 * simplest of its tables; {@code AeadKey}, {@code DataKeys} and {@code AssociatedData} are the sealing underneath.
 *
 * <p><b>What is on disk.</b> Every value is sealed with AES-256-GCM under the data key of its app, and each data key
 * under the host's key, which is in a file of its own ({@link org.allod.trust.HostKey}): a copy of {@code host.db}
 * without that file reveals only names, sizes and times. A sealed value is bound to its app, its name and its version, so
 * that a row moved to another place, or an old one restored under a new version, does not open (docs/decisions/080).
 *
 * <p><b>What is never written.</b> No value is in a log, an error, a run's record or an argument of a process. Errors
 * name the secret and never its content; records that hold a value omit it from {@code toString}.
 *
 * <p><b>Versions.</b> Each change of an app's secrets or keys takes the app's next version, in the transaction that
 * makes the change. Versions never go back, not even after everything was deleted.
 *
 * <p><b>Thread rule.</b> Everything is safe for any thread; writes block until they are durable. Depends on {@code store}
 * and {@code base}.
 */
@NullMarked
package org.allod.trust;

import org.jspecify.annotations.NullMarked;
