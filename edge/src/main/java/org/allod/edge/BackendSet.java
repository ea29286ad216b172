package org.allod.edge;

import java.util.List;
import org.allod.base.MachineId;

/** The machines of one app, with what each has to do at this moment: what {@link BackendSelector} decides upon. */
interface BackendSet {
    int size();

    Backend backend(int index);

    /** Requests or connections under way or promised, as the machine's service counts them. */
    int load(int index);

    /** True where it is being emptied before a stop: nothing new may go there. */
    boolean draining(int index);

    /** True where somebody already waits for it to come up. */
    boolean waking(int index);

    /** One machine, held still. */
    record Entry(Backend backend, int load, boolean draining, boolean waking) {}

    /** A fleet held still, for tests and simulations. */
    record Snapshot(List<Entry> members) implements BackendSet {
        @Override
        public int size() {
            return members.size();
        }

        @Override
        public Backend backend(int index) {
            return members.get(index).backend();
        }

        @Override
        public int load(int index) {
            return members.get(index).load();
        }

        @Override
        public boolean draining(int index) {
            return members.get(index).draining();
        }

        @Override
        public boolean waking(int index) {
            return members.get(index).waking();
        }

        int indexOf(MachineId id) {
            for (int i = 0; i < members.size(); i++) {
                if (members.get(i).backend().id().equals(id)) {
                    return i;
                }
            }
            return -1;
        }
    }
}
