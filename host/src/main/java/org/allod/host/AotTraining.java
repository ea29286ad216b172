package org.allod.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.machine.MachineSchema;
import org.allod.machine.TrainingRecords;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/**
 * The training run whose recorded behaviour becomes the AOT cache of later daemon starts (launcher/caches): writes many
 * records before a daemon starts, and sends the most common requests while it runs.
 */
public final class AotTraining {
    private static final String APP = "samples";
    private static final int RECORDS = 4_000;

    /** Enough requests for the JIT to compile the hot paths. */
    private static final int ASKED = 400;

    private static final int LISTS = 12;

    private AotTraining() {}

    /** {@code records FOLDER} before the daemon starts there, {@code ask FOLDER} while it serves. */
    public static void main(String[] args) throws IOException {
        Path data = Path.of(args[1]);
        if (args[0].equals("records")) {
            Clock clock = new SystemClock();
            try (Database database =
                    Database.open(data.resolve("host.db"), DatabaseOptions.defaults(), List.of(MachineSchema.SCHEMA))) {
                TrainingRecords.write(database, APP, RECORDS, clock, new IdGenerator(clock, Rng.system()));
            }
        } else {
            ask(data.resolve("allod.sock"));
        }
    }

    private static void ask(Path socket) throws IOException {
        String all = "/v1/apps/" + APP + "/machines";
        String list = answer(socket, all);
        Matcher id = Pattern.compile("\"id\":\"([0-9a-f]{14})\"").matcher(list);
        for (int i = 0; i < ASKED && id.find(); i++) {
            answer(socket, all + "/" + id.group(1));
            if (i % (ASKED / LISTS) == 0) {
                answer(socket, all);
                answer(socket, "/v1/host/status");
            }
        }
    }

    private static String answer(Path socket, String path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            String head = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            channel.write(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
            StringBuilder text = new StringBuilder();
            ByteBuffer part = ByteBuffer.allocate(1 << 16);
            while (channel.read(part) >= 0) {
                text.append(StandardCharsets.UTF_8.decode(part.flip()));
                part.clear();
            }
            return text.toString();
        }
    }
}
