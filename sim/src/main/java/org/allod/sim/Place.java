package org.allod.sim;

import java.util.List;
import org.allod.base.Rng;

/**
 * Where hosts are: the 19 places and the share of hosts in each by which the authors of Corrosion test its broadcast, so
 * that figures compare. A round trip is 1 ms within a place, else 4 ms and one for each 75 km along the earth.
 *
 * @param latitude degrees north
 * @param longitude degrees east
 * @param weight hosts there, in a fleet of 4,453
 */
public record Place(String name, double latitude, double longitude, int weight) {
    private static final double EARTH_RADIUS_KM = 6371;

    public static final List<Place> ALL = List.of(
            new Place("ams", 52.31, 4.76, 274),
            new Place("arn", 59.65, 17.92, 20),
            new Place("bom", 19.09, 72.87, 33),
            new Place("cdg", 49.01, 2.55, 175),
            new Place("dfw", 32.90, -97.04, 528),
            new Place("ewr", 40.69, -74.17, 245),
            new Place("fra", 50.03, 8.57, 347),
            new Place("gru", -23.43, -46.47, 111),
            new Place("iad", 38.94, -77.46, 442),
            new Place("jnb", -26.14, 28.25, 16),
            new Place("lax", 33.94, -118.41, 306),
            new Place("lhr", 51.47, -0.45, 74),
            new Place("nrt", 35.77, 140.39, 76),
            new Place("ord", 41.97, -87.91, 559),
            new Place("qmx", 19.43, -99.13, 42),
            new Place("sin", 1.36, 103.99, 209),
            new Place("sjc", 37.36, -121.93, 682),
            new Place("syd", -33.95, 151.18, 200),
            new Place("yyz", 43.68, -79.63, 114));

    /** One by its weight. */
    public static Place pick(Rng rng) {
        int total = ALL.stream().mapToInt(Place::weight).sum();
        int rest = rng.nextInt(total);
        for (Place place : ALL) {
            rest -= place.weight;
            if (rest < 0) {
                return place;
            }
        }
        return ALL.getLast();
    }

    /** There and back, in nanoseconds, without jitter. */
    public long roundTrip(Place other) {
        if (other.name.equals(name)) {
            return 1_000_000;
        }
        double lat = Math.toRadians(other.latitude - latitude);
        double lon = Math.toRadians(other.longitude - longitude);
        double h = square(Math.sin(lat / 2))
                + Math.cos(Math.toRadians(latitude))
                        * Math.cos(Math.toRadians(other.latitude))
                        * square(Math.sin(lon / 2));
        double km = 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(h));
        return ((long) (4 + km / 75)) * 1_000_000;
    }

    private static double square(double x) {
        return x * x;
    }
}
