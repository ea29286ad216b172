package org.allod.machine;

import org.allod.base.MachineId;

/** Says whether the disk has room for one more machine. */
interface DiskAdmission {
    /** A host whose disk is never full: for tests of other things. */
    DiskAdmission BOUNDLESS = new DiskAdmission() {
        @Override
        public long promise(MachineConfig config) {
            return 0;
        }

        @Override
        public long held(MachineId machine) {
            return 0;
        }

        @Override
        public void admit(long wanted, long outstanding) {}
    };

    /** Bytes that a machine with this configuration is promised while it runs. */
    long promise(MachineConfig config);

    /** Bytes that the layer of a running machine held when it was last looked at. */
    long held(MachineId machine);

    /**
     * Refuses what there is no room for.
     *
     * @param wanted bytes that the newcomer is to be promised; 0 where it is only put on record
     * @param outstanding bytes that are promised to others and not written yet
     * @throws org.allod.base.RejectedException where the disk is nearly full, or promised
     */
    void admit(long wanted, long outstanding);
}
