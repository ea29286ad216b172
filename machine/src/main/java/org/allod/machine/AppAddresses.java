package org.allod.machine;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.RejectedException;
import org.allod.store.Database;
import org.allod.store.Schema;
import org.allod.store.Transaction;

/**
 * Which public addresses are assigned to which app. Only addresses that this host's edge serves can be assigned. The
 * edge tells apps apart by host name, so every address is shared; a request for an exclusive one is refused.
 */
public final class AppAddresses implements AppDeletionListener {
    /** This part's tables in {@code host.db}. */
    public static final Schema SCHEMA = new Schema(
            "app_address",
            List.of(List.of("CREATE TABLE app_address (app TEXT NOT NULL, ip TEXT NOT NULL, created INTEGER NOT NULL, "
                    + "PRIMARY KEY (app, ip)) WITHOUT ROWID")));

    private final Database database;
    private final Clock clock;
    private final List<String> served;
    private final String region;

    /**
     * @param served the addresses of this host that the edge serves
     */
    public AppAddresses(Database database, Clock clock, List<String> served, String region) {
        this.database = database;
        this.clock = clock;
        this.served = List.copyOf(served);
        this.region = region;
    }

    /** An address assigned to an app. */
    public record Assignment(String ip, Instant created) {}

    /**
     * What a client asks for.
     *
     * @param type as the Machines API names them: {@code shared_v4}, {@code v4}, {@code v6}, {@code private_v6}
     */
    public record Ask(String type, String region, String network, String service) {}

    public List<String> served() {
        return served;
    }

    public List<Assignment> list(String app) {
        return database.read(
                tx -> tx.list("SELECT ip, created FROM app_address WHERE app = ? ORDER BY ip", AppAddresses::row, app));
    }

    /** Assigns an address of the type. Idempotent: if the app has one, returns that. */
    public Assignment assign(String app, Ask ask) {
        if (!ask.region().isEmpty()
                && !ask.region().equals(region)
                && !ask.region().equals("global")) {
            throw refused("region is \"%s\": this host is in %s".formatted(ask.region(), region), "leave region out");
        }
        if (!ask.network().isEmpty() || !ask.service().isEmpty()) {
            throw refused(
                    "%s: private addresses for other networks are not given out here"
                            .formatted(ask.network().isEmpty() ? "service_name" : "network"),
                    "leave it out");
        }
        String ip = choose(ask.type());
        Instant now = clock.wall();
        return database.write(tx -> {
            tx.update(
                    "INSERT OR IGNORE INTO app_address (app, ip, created) VALUES (?, ?, ?)",
                    app,
                    ip,
                    now.toEpochMilli());
            return tx.first("SELECT ip, created FROM app_address WHERE app = ? AND ip = ?", AppAddresses::row, app, ip)
                    .orElseThrow();
        });
    }

    private String choose(String type) {
        boolean v6 = switch (type) {
            case "shared_v4", "shared" -> false;
            case "shared_v6" -> true;
            case "v4", "v6" ->
                throw refused(
                        "type is \"%s\": this host's edge tells apps apart by host name, so no address is one app's alone"
                                .formatted(type),
                        "ask for " + (type.equals("v4") ? "shared_v4" : "shared_v6"));
            case "private_v6" ->
                throw refused(
                        "type is \"private_v6\": this version has no private addresses that lead through the edge",
                        "machines of one network reach each other at their own addresses");
            default ->
                throw RejectedException.invalid("type is \"%s\": allowed are shared_v4, shared_v6, v4, v6, private_v6"
                        .formatted(type.length() > 40 ? type.substring(0, 40) : type));
        };
        return served.stream()
                .filter(ip -> ip.contains(":") == v6)
                .findFirst()
                .orElseThrow(() -> refused(
                        "this host's edge serves no IPv%d address: it serves %s"
                                .formatted(v6 ? 6 : 4, served.isEmpty() ? "none" : String.join(", ", served)),
                        "start the daemon with --edge ADDR:PORT, where ADDR is the address to serve"));
    }

    /** Takes an address away from the app. */
    public void release(String app, String ip) {
        String text = canonical(ip);
        if (database.write(tx -> tx.update("DELETE FROM app_address WHERE app = ? AND ip = ?", app, text)) == 0) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "app %s has no address %s".formatted(app, text),
                    "`allod ips list --app %s` shows those it has".formatted(app));
        }
    }

    /** The canonical text of an address in any form. Host names are not resolved. */
    private static String canonical(String ip) {
        Optional<String> text = Optional.of(ip).filter(i -> i.matches("[0-9a-fA-F:.]{2,45}") && !i.matches("[0-9]+"));
        try {
            return InetAddress.getByName(text.orElseThrow(() -> wrong(ip))).getHostAddress();
        } catch (UnknownHostException e) {
            throw wrong(ip);
        }
    }

    private static RejectedException wrong(String ip) {
        return RejectedException.invalid(
                "\"%s\" is not an IP address".formatted(ip.length() > 60 ? ip.substring(0, 60) : ip));
    }

    @Override
    public void in(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM app_address WHERE app = ?", app);
    }

    private static Assignment row(ResultSet row) throws SQLException {
        return new Assignment(row.getString(1), Instant.ofEpochMilli(row.getLong(2)));
    }

    private static RejectedException refused(String what, String hint) {
        return RejectedException.because(RejectedException.Reason.UNSUPPORTED, what, hint);
    }
}
