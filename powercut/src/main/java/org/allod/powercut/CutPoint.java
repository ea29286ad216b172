package org.allod.powercut;

/**
 * A point in a recording at which the power may fail: a call has begun, or has returned. In between its effect may be
 * partial.
 */
record CutPoint(DiskOperation op, boolean returned) {}
