/**
 * What a disk may hold after a power cut, for tests alone: no part of the program depends on it.
 *
 * <p>A {@link org.allod.powercut.Recording} is every change that a real process made to a folder, in order, with its
 * data, as {@code strace} saw it. {@link org.allod.powercut.PowerCuts} plays it up to many moments, each time builds the
 * folder as a disk could hold it if the power went then, and lets a test open it.
 *
 * <p><b>What a disk could hold.</b> Of a file, what was written before its last flush that returned. Of what was written
 * since, each sector of 512 bytes as it was at any moment since: so writes are kept, lost, torn and out of order, but no
 * sector goes back behind one of its own contents, since the kernel writes out pages, not calls. The size likewise, with
 * zeros where no data came. Of a folder, the entries as of its last flush; each name since then as it was at any moment:
 * stricter than file systems with a journal, and what POSIX allows.
 *
 * <p><b>A disk that fails.</b> {@code strace} can refuse chosen calls with an error. After a flush that was refused the
 * kernel takes what it could not write for written, so what was pending is readable and never comes to the disk, whatever
 * is flushed later, unless it is written again.
 *
 * <p><b>What is acknowledged.</b> The process writes each acknowledgement as a line to a file outside the folder. These
 * writes are in the same trace, so what was acknowledged before a moment is known without a clock. A system call that
 * was caused by the end of another is after it in the trace: {@code strace} holds a thread until it has written down that
 * its call returned.
 *
 * <p><b>What is not modelled</b> ends the recording with an error, never in silence: other calls that change files,
 * writable shared mappings, writes to deleted files. After each process the recording is played whole and compared with
 * the folder that is there.
 */
@NullMarked
package org.allod.powercut;

import org.jspecify.annotations.NullMarked;
