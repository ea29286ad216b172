package org.allod.state;

/**
 * One statement about a member, as hosts pass it on.
 *
 * @param incarnation only the member itself raises it, to refute what others say about it
 * @param from the host that said it first, which distinguishes confirmations of a suspicion from repetitions
 */
public record MemberUpdate(HostInfo host, long incarnation, MemberStatus status, SiteId from) {
    void encode(Encoder out) {
        out.site(host.id())
                .text(host.address())
                .name(host.region())
                .number(incarnation)
                .octet(status.code())
                .octet(from.equals(host.id()) ? 0 : 1);
        if (!from.equals(host.id())) {
            out.site(from);
        }
    }

    static MemberUpdate decode(Decoder in) {
        HostInfo host = new HostInfo(in.site(), in.text(), in.name());
        long incarnation = in.number();
        MemberStatus status = MemberStatus.of(in.octet());
        if (incarnation < 0) {
            throw new MalformedMessage("a member of incarnation " + incarnation);
        }
        SiteId from = in.octet() == 0 ? host.id() : in.site();
        return new MemberUpdate(host, incarnation, status, from);
    }
}
