package org.allod.state;

/** The status of a member. At the same incarnation, the later constant in this list wins. */
public enum MemberStatus {
    ALIVE(0),
    /** Did not answer; is declared dead unless it says otherwise in time. */
    SUSPECT(1),
    DEAD(2),
    /** Said goodbye. */
    LEFT(3);

    private final int code;

    MemberStatus(int code) {
        this.code = code;
    }

    /** How it travels. */
    int code() {
        return code;
    }

    static MemberStatus of(int code) {
        return switch (code) {
            case 0 -> ALIVE;
            case 1 -> SUSPECT;
            case 2 -> DEAD;
            case 3 -> LEFT;
            default -> throw new MalformedMessage("a member of status " + code);
        };
    }
}
