/**
 * Builds what a disk may hold after a power cut. For tests only: no part of the program depends on it.
 *
 * <p>A {@link org.allod.powercut.Recording} is every change that a real process made to a folder, in order and with its
 * data, as {@code strace} saw it. {@link org.allod.powercut.PowerCuts}, where to start reading, replays it up to many
 * points; at each one it builds the folder as a disk could hold it if the power failed then, and lets a test open it.
 *
 * <p><b>What a disk could hold.</b> A file keeps what was written before its last flush that returned. Each sector of
 * 512 bytes that was written since has one of the contents that it had since. So writes may be kept, lost, torn and
 * reordered, but no sector has a content older than its last flush, since the kernel writes out pages, not calls. The
 * size varies likewise, with zeros where no data was written. A folder keeps its entries as of its last flush; each
 * name changed since is as it was at any point since. That is stricter than file systems with a journal, and what POSIX
 * allows.
 *
 * <p><b>A disk that fails.</b> {@code strace} can refuse chosen calls with an error. After a flush that was refused the
 * kernel takes what it could not write for written, so what was pending is readable and never comes to the disk, whatever
 * is flushed later, unless it is written again.
 *
 * <p><b>What is acknowledged.</b> The process writes each acknowledgement as a line to a file outside the folder. These
 * writes are in the same trace, so it is known without a clock what was acknowledged before a point. A system call that
 * the end of another one caused comes after it in the trace, because {@code strace} holds a thread until it has
 * recorded that its call returned.
 *
 * <p><b>What is not modelled</b> ends the recording with an error: other calls that change files, writable shared
 * mappings, writes to deleted files. After each process the recording is replayed completely and compared with the real
 * folder.
 */
@NullMarked
package org.allod.powercut;

import org.jspecify.annotations.NullMarked;
