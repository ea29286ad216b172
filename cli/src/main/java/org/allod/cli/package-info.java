/**
 * The {@code allod} command: what a person types, and what scripts call.
 *
 * <p>{@link org.allod.cli.Main} finds the word that was meant in {@link org.allod.cli.CommandTree}, has picocli parse that
 * one command's arguments, and runs its action with a {@link org.allod.cli.CommandContext}. Actions speak to the daemon over
 * HTTP ({@link org.allod.cli.DaemonClient}) and to the person through a {@link org.allod.cli.Console}: results on standard
 * output, everything else on standard error. Every outcome is an exit code ({@link org.allod.cli.ExitCode}).
 *
 * <p>A command is a process, so start-up is the latency a person feels. Hence: no annotations and no reflection, only
 * the chosen command's options are built, JSON is streamed, HTTP is spoken over a bare channel, and the JVM starts from
 * an AOT cache ({@link org.allod.cli.CliAotTraining}, docs/decisions/061-command-start-up.md).
 *
 * <p>Thread rule: one thread per command, plus one per direction in {@link org.allod.cli.ExecSession}. Depends on
 * {@code base}, and on {@code runtime} for {@code setup} alone.
 */
@NullMarked
package org.allod.cli;

import org.jspecify.annotations.NullMarked;
