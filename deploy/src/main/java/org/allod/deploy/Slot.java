package org.allod.deploy;

/**
 * One machine's part in a deploy.
 *
 * @param machine its id; empty until it is created
 * @param name its name, known before it is created, so that a retry finds the machine of an earlier attempt
 * @param group its process group
 * @param before the version of its configuration before the deploy; empty for a machine that the deploy creates
 * @param ran whether it ran before the deploy, and so after a rollback
 * @param runs whether it is to run at the new version: it ran, or it had failed
 * @param prove whether it must start and pass its checks at the new version
 * @param cordoned whether it was cordoned before the deploy
 * @param note what went wrong, or what it waits for
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

    /** The slot of an existing machine. */
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

    /** The slot of a machine to create. */
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
