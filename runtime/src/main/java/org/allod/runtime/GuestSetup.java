package org.allod.runtime;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The configuration of PID 1: the main process, and what must exist before it starts. Sent over the channel and nowhere
 * else, because environment and files may hold secrets.
 *
 * @param hostname empty to leave it unchanged
 * @param interfaces network devices to configure; none if the runtime has done so
 * @param resolv lines of {@code /etc/resolv.conf}; none to leave the file
 * @param hosts lines of {@code /etc/hosts}; none to leave the file
 * @param swapMb swap space to make on the disk
 * @param sync whether everything written must be on disk before the exit is reported
 * @param volumes disks to mount; none if the runtime has done so
 * @param units run instead of the main process
 * @param disks true if the guest must mount the units' images from disks; false if their roots are mounted already
 * @param firstEnds whether the guest ends with the first unit
 */
record GuestSetup(
        List<String> argv,
        Map<String, String> env,
        String cwd,
        Optional<String> user,
        boolean tty,
        String hostname,
        List<GuestSpec.File> files,
        List<Interface> interfaces,
        List<String> resolv,
        List<String> hosts,
        int swapMb,
        boolean sync,
        List<GuestSpec.Volume> volumes,

        List<GuestUnit> units,
        boolean disks,
        boolean firstEnds) {
    /** Without swap or persistent data. */
    GuestSetup(
            List<String> argv,
            Map<String, String> env,
            String cwd,
            Optional<String> user,
            boolean tty,
            String hostname,
            List<GuestSpec.File> files,
            List<Interface> interfaces,
            List<String> resolv,
            List<String> hosts) {
        this(
                argv,
                env,
                cwd,
                user,
                tty,
                hostname,
                files,
                interfaces,
                resolv,
                hosts,
                0,
                false,
                List.of(),
                List.of(),
                false,
                false);
    }

    /** A terminal without a viewer still needs a size. */
    private static final ExecSpec.Tty USUAL = new ExecSpec.Tty(80, 24);

    /**
     * A network device inside the guest.
     *
     * @param mtu 0 to leave it
     * @param addresses each with its prefix
     */
    record Interface(String name, int mtu, List<String> addresses, List<String> gateways, String gatewayMac) {}

    /**
     * @param resolvers the host's, for a guest that names none
     * @param address the guest's own
     */
    static GuestSetup of(GuestSpec spec, List<Interface> interfaces, List<String> resolvers, String address) {
        GuestSpec.Options options = spec.options();
        List<String> resolv = new ArrayList<>(options.resolv());
        if (resolv.stream().noneMatch(line -> line.startsWith("nameserver "))) {
            resolvers.forEach(r -> resolv.add("nameserver " + r));
        }
        String names = options.fqdn().map(f -> f + " ").orElse("") + spec.hostname();
        return new GuestSetup(
                spec.argv(),
                spec.env(),
                spec.cwd(),
                spec.user(),
                spec.tty(),
                spec.hostname(),
                spec.files(),
                interfaces,
                resolv,
                List.of("127.0.0.1 localhost", "::1 localhost", address + " " + names),
                options.swapMb(),
                options.keepRoot(),
                spec.volumes(),
                options.units(),
                true,
                options.firstEnds());
    }

    /** A copy for a guest whose runtime has set the host name and mounted volumes and roots. */
    GuestSetup settled() {
        return new GuestSetup(
                argv,
                env,
                cwd,
                user,
                tty,
                "",
                files,
                interfaces,
                resolv,
                hosts,
                swapMb,
                sync,
                List.of(),
                units,
                false,
                firstEnds);
    }

    /** The path of the root of the unit with this index, in the guest. */
    static String root(int place) {
        return "/.allod/roots/" + place;
    }

    /** The serial of the disk with the image of this index. */
    static String disk(int place) {
        return "image" + place;
    }

    byte[] encode() {
        Bytes out = new Bytes();
        command(out, argv, env, cwd, user, tty ? Optional.of(USUAL) : Optional.empty(), "");
        out.text(hostname);
        files(out, files);
        out.list(
                interfaces,
                (o, i) -> o.text(i.name())
                        .u32(i.mtu())
                        .list(i.addresses(), Bytes::text)
                        .list(i.gateways(), Bytes::text)
                        .text(i.gatewayMac()));
        out.list(resolv, Bytes::text);
        out.list(hosts, Bytes::text);
        out.u32(swapMb).u8(sync ? 1 : 0);
        out.list(volumes, (o, v) -> o.text(v.id()).text(v.path()));
        List<Path> images =
                units.stream().flatMap(u -> u.rootImage().stream()).distinct().toList();
        out.u32(units.size());
        for (int i = 0; i < units.size(); i++) {
            GuestUnit unit = units.get(i);
            boolean own = unit.rootImage().isPresent();
            out.text(unit.name())
                    .text(own ? root(i) : "")
                    .text(unit.rootImage()
                            .filter(image -> disks)
                            .map(image -> disk(images.indexOf(image)))
                            .orElse(""));
            unit(out, unit);
        }
        out.u8(firstEnds ? 1 : 0);
        return out.toArray();
    }

    private static void files(Bytes out, List<GuestSpec.File> files) {
        out.list(files, (o, f) -> o.text(f.path()).u32(f.mode()).blob(f.content()));
    }

    private static void unit(Bytes out, GuestUnit unit) {
        command(out, unit.argv(), unit.env(), unit.cwd(), unit.user(), Optional.empty(), "");
        files(out, unit.files());
        out.list(unit.after(), (o, a) -> o.text(a.name()).u8(a.condition().code));
        out.u8(unit.restart().policy().code).u32(unit.restart().retries());
        out.u8(unit.stopSignal()).u32((int) unit.stopTime().toMillis());
        out.list(unit.checks(), GuestSetup::check);
    }

    private static void check(Bytes out, GuestUnit.Check check) {
        switch (check.question()) {
            case GuestUnit.Question.Exec(List<String> argv) ->
                out.u8(1).list(argv, Bytes::text).u16(0).text("");
            case GuestUnit.Question.Tcp(int port) ->
                out.u8(2).list(List.of(), Bytes::text).u16(port).text("");
            case GuestUnit.Question.Http(int port, String request) ->
                out.u8(3).list(List.of(), Bytes::text).u16(port).text(request);
        }
        out.u8(check.stops() ? 1 : 0)
                .u32((int) check.interval().toMillis())
                .u32((int) check.timeout().toMillis())
                .u32((int) check.grace().toMillis())
                .u32(check.successes())
                .u32(check.failures());
    }

    static byte[] encode(ExecSpec spec) {
        Bytes out = new Bytes();
        command(out, spec.argv(), spec.env(), spec.cwd().orElse(""), spec.user(), spec.tty(), spec.container());
        return out.toArray();
    }

    private static void command(
            Bytes out,
            List<String> argv,
            Map<String, String> env,
            String cwd,
            Optional<String> user,
            Optional<ExecSpec.Tty> tty,
            String unit) {
        out.list(argv, Bytes::text);
        out.list(List.copyOf(env.entrySet()), (o, e) -> o.text(e.getKey()).text(e.getValue()));
        out.text(cwd).text(user.orElse(""));
        ExecSpec.Tty size = tty.orElse(USUAL);
        out.u8(tty.isPresent() ? 1 : 0).u16(size.columns()).u16(size.rows()).text(unit);
    }

    /** Encodes numbers in network order, texts and blobs after their length, lists after their count. */
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes u8(int value) {
            out.write(value);
            return this;
        }

        Bytes u16(int value) {
            return u8(value >>> 8).u8(value);
        }

        Bytes u32(int value) {
            out.writeBytes(ByteBuffer.allocate(4).putInt(value).array());
            return this;
        }

        Bytes blob(byte[] bytes) {
            u32(bytes.length);
            out.writeBytes(bytes);
            return this;
        }

        Bytes text(String text) {
            return blob(text.getBytes(StandardCharsets.UTF_8));
        }

        <T> Bytes list(List<T> items, BiConsumer<Bytes, T> write) {
            u32(items.size());
            items.forEach(item -> write.accept(this, item));
            return this;
        }

        byte[] toArray() {
            return out.toByteArray();
        }
    }
}
