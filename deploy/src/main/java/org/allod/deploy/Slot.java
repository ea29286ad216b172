package org.allod.deploy;

/**
 * One machine's part in a deploy.
 *
 * @param machine its id; empty until it is made
 * @param name its name, known before it is made: that is how an earlier attempt's machine is found
 * @param group the process group it belongs to
 * @param before the version of its configuration before the deploy; empty for one the deploy makes
 * @param ran whether it ran before the deploy: that is how it is restored
 * @param runs whether it is to run at the new version: one that ran, and one that had failed
 * @param prove whether it has to start and pass its checks at the new version
 * @param cordoned whether it was out of traffic before the deploy
 * @param note why, where something went wrong
 */
public record Slot(
        String machine,
        String name,
        String group,
        Role role,
        SlotPhase phase,
        String before,
        boolean ran,
        boolean runs,
        boolean prove,
        boolean cordoned,
        String note) {

    /** A machine that is there. */
    static Slot present(ObservedMachine observed, Role role, boolean prove) {
        return new Slot(
                observed.id(),
                observed.name(),
                observed.group(),
                role,
                SlotPhase.IDLE,
                observed.version(),
                observed.runs(),
                observed.runs() || observed.failed(),
                prove,
                observed.cordoned(),
                "");
    }

    /** A machine that is to be made. */
    static Slot toMake(String name, String group, Role role) {
        return new Slot("", name, group, role, SlotPhase.IDLE, "", true, true, true, false, "");
    }

    Slot withPhase(SlotPhase next) {
        return new Slot(machine, name, group, role, next, before, ran, runs, prove, cordoned, note);
    }

    Slot withPhase(SlotPhase next, String why) {
        return new Slot(machine, name, group, role, next, before, ran, runs, prove, cordoned, why);
    }

    Slot hasPhase(String id) {
        return id.isEmpty() ? this : new Slot(id, name, group, role, phase, before, ran, runs, prove, cordoned, note);
    }
}
