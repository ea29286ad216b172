/**
 * What may be known and by whom: an app's secrets and secret keys, the tokens that speak for it, its certificates.
 *
 * <p><b>What is on disk.</b> Every value is sealed with AES-256-GCM under the data key of its app, and each data key
 * under the host's key, which is in a file of its own ({@link org.allod.trust.HostKey}): a copy of {@code host.db}
 * without that file tells nothing but names, sizes and times. A sealed value is bound to its app, its name and its
 * version, so that a row put in another's place, or an old one put back under a new version, does not open
 * (docs/decisions/080).
 *
 * <p><b>What is never written.</b> No value is in a log, an error, a run's record or an argument of a process. Errors
 * name the secret, never what it holds; records that hold a value print without it.
 *
 * <p><b>Versions.</b> Each change of an app's secrets or keys takes the app's next version, in the transaction that
 * makes the change. Versions never go back, not even after everything was deleted.
 *
 * <p><b>Threads.</b> Everything here may be called from any thread; what is slow is the database's, on its own threads.
 */
@NullMarked
package org.allod.trust;

import org.jspecify.annotations.NullMarked;
