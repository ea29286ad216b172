package org.allod.state;

/**
 * The name of one change set: the site that made it and that site's running number, from 1 without holes. (As in dotted
 * version vectors, Preguiça et al. 2010.)
 */
public record Dot(SiteId site, long number) implements Comparable<Dot> {
    @Override
    public int compareTo(Dot other) {
        int bySite = site.compareTo(other.site);
        return bySite != 0 ? bySite : Long.compare(number, other.number);
    }

    @Override
    public String toString() {
        return site.toString().substring(0, 8) + ":" + number;
    }
}
