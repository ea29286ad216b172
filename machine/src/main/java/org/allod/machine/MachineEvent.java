package org.allod.machine;

import java.time.Instant;
import org.allod.base.Ulid;
import tools.jackson.databind.node.ObjectNode;

/**
 * Something that happened to a machine, for clients of the API.
 *
 * @param id sorts by time
 * @param type {@code launch}, {@code start}, {@code exit}, {@code stop}, {@code suspend}, {@code update}, {@code
 *     destroy} …
 * @param status the state that it led to
 * @param source who caused it: {@code user}, {@code flyd} for the host itself (the name clients know), {@code edge}
 * @param request details; never a secret
 */
public record MachineEvent(Ulid id, String type, String status, String source, Instant at, ObjectNode request) {}
