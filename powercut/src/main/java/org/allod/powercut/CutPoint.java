package org.allod.powercut;

/**
 * A place in a recording at which the power may go: a call has begun, or has returned. In between it may have had its
 * effect, in part.
 */
record CutPoint(DiskOperation op, boolean returned) {}
