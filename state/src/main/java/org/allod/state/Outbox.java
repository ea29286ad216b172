package org.allod.state;

import java.util.List;

/** Where a reducer puts its effects. The shell carries them out; the simulator does so later, or not at all. */
public interface Outbox {
    /** Sends to one host, without promise that it arrives or is the next to arrive. */
    void send(String address, byte[] message);

    /** A change set came that this host has not seen: to be applied, in any order, as often as it is handed over. */
    void deliver(ChangeSet set);

    /** Rows of a sync session came: to be merged before anything is claimed. */
    void merge(List<RowChange> rows);

    /** A sync session is complete: once what was handed over before is applied, these have been seen. */
    void claim(VersionVector vector);

    /** The member is thought of differently from now on. */
    default void changed(Member member) {}
}
