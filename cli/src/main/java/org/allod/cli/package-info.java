/**
 * The {@code allod} command, for people and for scripts.
 *
 * <p>Start reading at {@link org.allod.cli.Main}: it finds the command in {@link org.allod.cli.CommandTree}, has picocli
 * parse that command's arguments, and runs its action with a {@link org.allod.cli.CommandContext}. Actions call the daemon
 * over HTTP ({@link org.allod.cli.DaemonClient}) and print through a {@link org.allod.cli.Console}: results on standard
 * output, everything else on standard error. Every outcome is an exit code ({@link org.allod.cli.ExitCode}).
 *
 * <p>A command is a process, so its start-up time is the latency that a person notices. Therefore it uses no annotations and
 * no reflection, builds only the selected command's options, streams JSON, speaks HTTP over a bare channel, and starts its
 * JVM from an AOT cache ({@link org.allod.cli.CliAotTraining}, docs/decisions/061-command-start-up.md).
 *
 * <p>Thread rule: one thread for each command, plus one for standard input in {@link org.allod.cli.ExecSession}. Depends on
 * {@code base} and {@code linux}, and on {@code runtime} only for {@code setup}.
 */
@NullMarked
package org.allod.cli;

import org.jspecify.annotations.NullMarked;
