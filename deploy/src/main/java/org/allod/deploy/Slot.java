package org.allod.deploy;

/**
 * One machine's part in a deploy.
 *
 * @param machine its id; empty until it is made
 * @param name its name, known before it is made: that is how an earlier attempt's machine is found
 * @param group the process group it belongs to
 * @param before the version of its configuration before the deploy; empty for one the deploy makes
 * @param ran whether it ran before the deploy, so that it is to run after
 * @param prove whether it has to start and pass its checks at the new version
 * @param cordoned whether it was out of traffic before the deploy
 * @param note why, where something went wrong
 */
public record Slot(
        String machine,
        String name,
        String group,
        Role role,
        Phase phase,
        String before,
        boolean ran,
        boolean prove,
        boolean cordoned,
        String note) {

    /** A machine that is there. */
    static Slot present(Seen seen, Role role, boolean prove) {
        return new Slot(
                seen.id(),
                seen.name(),
                seen.group(),
                role,
                Phase.IDLE,
                seen.version(),
                seen.runs(),
                prove,
                seen.cordoned(),
                "");
    }

    /** A machine that is to be made. */
    static Slot toMake(String name, String group, Role role) {
        return new Slot("", name, group, role, Phase.IDLE, "", true, true, false, "");
    }

    Slot at(Phase next) {
        return new Slot(machine, name, group, role, next, before, ran, prove, cordoned, note);
    }

    Slot at(Phase next, String why) {
        return new Slot(machine, name, group, role, next, before, ran, prove, cordoned, why);
    }

    Slot is(String id) {
        return id.isEmpty() ? this : new Slot(id, name, group, role, phase, before, ran, prove, cordoned, note);
    }
}
