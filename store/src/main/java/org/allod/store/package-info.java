/**
 * SQLite files that several parts of a host share: one writer that commits in groups, a few readers, and schema
 * versions for each component.
 *
 * <p><b>Why one writer.</b> SQLite has one write lock; queueing for it in our code instead of in the file lets many
 * callers share one flush of the disk. Whatever waits while a commit is under way goes into the next one, so a lone
 * caller pays one flush and 256 callers pay one flush together (docs/decisions/010).
 *
 * <p><b>What a completed write means.</b> The transaction is in the write-ahead log and {@code fdatasync} returned
 * (WAL, {@code synchronous=FULL}). No future completes before that. If a flush fails, nobody knows what is on the disk:
 * the batch fails and the database refuses further writes ({@link org.allod.store.DurabilityLost}); the process must
 * restart and read what is really there. What it reads from the log is written again and flushed first ({@link
 * org.allod.store.WalRewriter}), since a kernel takes for written what it could not write (docs/decisions/193).
 *
 * <p><b>Where to start.</b> {@link org.allod.store.Database} is the facade; {@code GroupCommitWriter} holds the
 * algorithm of the group commit, {@code ReaderPool} the readers, {@code DiskReserve} what keeps a full disk from
 * blocking the host.
 *
 * <p><b>Thread rule.</b> {@link org.allod.store.Database} may be called from any thread, virtual ones included. Calls
 * into SQLite happen on platform threads of this room, because a foreign call pins its carrier. The exception is a
 * virtual thread that writes alone: it commits by itself (docs/decisions/010), so a submit may take one flush. A {@link
 * org.allod.store.TransactionBody} must touch nothing but its {@link org.allod.store.Transaction} and may run twice.
 *
 * <p>Depends on {@code base}.
 *
 * <pre>{@code
 * try (var db = Database.open(file, DatabaseOptions.defaults(), List.of(schema))) {
 *     db.write(tx -> tx.update("INSERT INTO note(text) VALUES (?)", "hello"));
 *     List<String> notes = db.read(tx -> tx.list("SELECT text FROM note", row -> row.getString(1)));
 * }
 * }</pre>
 */
@NullMarked
package org.allod.store;

import org.jspecify.annotations.NullMarked;
