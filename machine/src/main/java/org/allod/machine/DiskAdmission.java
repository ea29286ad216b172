package org.allod.machine;

import org.allod.base.MachineId;

/** Decides whether the disk has space for one more machine. */
interface DiskAdmission {
    /** A host whose disk is never full; for tests. */
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

    /** Bytes that the writable layer of a running machine held when it was last measured. */
    long held(MachineId machine);

    /**
     * Refuses what does not fit.
     *
     * @param wanted bytes to promise; 0 for a machine that is only recorded
     * @param outstanding bytes that are promised to others and not written yet
     * @throws org.allod.base.RejectedException if the disk is nearly full, or its free space is promised
     */
    void admit(long wanted, long outstanding);
}
