package org.allod.api;

import org.allod.linux.Ext4;
import org.allod.machine.Volume;
import org.allod.machine.VolumeSnapshot;
import org.allod.machine.VolumeState;
import org.allod.machine.Volumes;
import tools.jackson.databind.node.ObjectNode;

/** The JSON forms of volumes in the Machines API, with an additional field for how a copy was made. */
final class VolumeViews {
    private VolumeViews() {}

    /** All fields, with the current usage. */
    static ObjectNode volume(Volume v, Volumes volumes) {
        ObjectNode node = brief(v);
        boolean there = v.state() != VolumeState.DESTROYED;
        Ext4.Space space = there ? volumes.space(v) : new Ext4.Space(4096, 0, 0, 0);
        return node.put("block_size", space.blockSize())
                .put("blocks", space.blocks())
                .put("blocks_free", space.free())
                .put("blocks_avail", space.available())
                .put("bytes_total", space.bytes())
                .put("bytes_used", space.used());
    }

    static ObjectNode brief(Volume v) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("id", v.id().text())
                .put("name", v.name())
                .put("state", v.state().wire())
                .put("size_gb", v.sizeGb())
                .put("region", v.region())
                // One host is one zone, the unit that fails together.
                .put("zone", v.region())
                .put("encrypted", v.encrypted())
                .put("fstype", "ext4")
                .put("type", "local")
                .put("host_status", "ok")
                .put("auto_backup_enabled", v.autoBackup())
                .put("snapshot_retention", v.retention())
                .put("created_at", v.created().toString())
                .put("updated_at", v.updated().toString());
        v.attached()
                .ifPresentOrElse(
                        m -> node.put("attached_machine_id", m.text()), () -> node.putNull("attached_machine_id"));
        node.putNull("attached_alloc_id");
        v.copy().ifPresent(copy -> node.set("copied", copy(copy)));
        return node;
    }

    private static ObjectNode copy(Volume.CopyNote copy) {
        return MachineViews.JSON
                .objectNode()
                .put("from", copy.of())
                .put("method", copy.method())
                .put("consistency", copy.stillness());
    }

    static ObjectNode snapshot(VolumeSnapshot s) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("id", s.id().text())
                .put("status", s.ready() ? "created" : "creating")
                .put("size", s.bytes())
                .put("volume_size", s.volumeGb() * (1L << 30))
                .put("retention_days", s.retention())
                .put("digest", "")
                .put("scheduled", s.scheduled())
                .put("created_at", s.created().toString());
        s.copy().ifPresent(copy -> node.set("copied", copy(copy)));
        return node;
    }
}
