package org.allod.state;

import java.util.List;

/** The rows of one host and its version vector, as the protocols use them. */
public interface Replica {
    /** Who this host is as a writer. */
    SiteId site();

    /** What has been seen; not to be changed, and only valid until the replica changes. */
    VersionVector seen();

    /** Takes in whole change sets, in any order and as often as they come. */
    void apply(List<ChangeSet> sets);

    /**
     * Takes in parts of rows from a sync session, without having seen the change sets they are of. The session claims
     * what has been seen when it is complete.
     */
    void merge(List<RowChange> rows);

    /** A sync session is complete: the rows are at least what these change sets made of them. */
    void claim(VersionVector vector);

    /** The keys of rows of which some part was written by a change set that is not in the vector. */
    List<RowRef> missingFrom(VersionVector vector);

    /** These rows as they are now, without the parts written by change sets in the vector. */
    List<RowChange> rows(List<RowRef> refs, VersionVector without);

    /** Names a row. */
    record RowRef(String table, RowKey key) {}
}
