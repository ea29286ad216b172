package org.allod.machine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.allod.base.FailedException;
import org.allod.base.Timers;

/** Probes a guest once, from the host's side of its network. */
interface HealthProbe {
    /** The result of a probe. */
    record Finding(boolean ok, String output) {}

    Finding ask(String address, MachineConfig.Check check);

    /** A probe over real connections. The guest is not trusted, so its response is bounded in time and size. */
    static HealthProbe network(Timers timers) {
        return new NetworkProbe(timers);
    }

    /**
     * See {@link #network}. Sends one request on a connection of its own, as a load balancer does. The check's timeout
     * bounds the whole exchange, so a guest that sends a byte now and then does not prolong it.
     */
    final class NetworkProbe implements HealthProbe {
        private static final int MAX_ANSWER = 64 << 10;
        private static final int MAX_OUTPUT = 1_000;
        private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3})( .*)?");

        private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: *(\\d{1,12})");

        private final Timers timers;

        NetworkProbe(Timers timers) {
            this.timers = timers;
        }

        @Override
        public Finding ask(String address, MachineConfig.Check check) {
            try (Socket plain = new Socket()) {
                Timers.Timer bound = timers.after(check.timeout(), () -> close(plain));
                try {
                    int millis = (int) check.timeout().toMillis();
                    plain.connect(new InetSocketAddress(address, check.port()), millis);
                    if (!check.http()) {
                        return new Finding(true, "connected to port " + check.port());
                    }
                    plain.setSoTimeout(millis);
                    return check.tls().isEmpty()
                            ? http(plain, address, check)
                            : https(plain, address, check, check.tls().get());
                } finally {
                    bound.cancel();
                }
            } catch (SocketTimeoutException e) {
                return new Finding(false, "port " + check.port() + ": no answer in time");
            } catch (IOException e) {
                return new Finding(false, "port " + check.port() + ": " + e.getMessage());
            }
        }

        private static void close(Socket socket) {
            try {
                socket.close();
            } catch (IOException e) {
                // The connection is closed either way.
            }
        }

        private static Finding https(Socket plain, String address, MachineConfig.Check check, MachineConfig.Tls tls)
                throws IOException {
            String name = tls.serverName().isEmpty() ? address : tls.serverName();
            try (SSLSocket socket = (SSLSocket)
                    context(tls.skipVerify()).getSocketFactory().createSocket(plain, name, check.port(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                if (!tls.serverName().isEmpty()) {
                    parameters.setServerNames(List.of(new SNIHostName(tls.serverName())));
                }
                if (!tls.skipVerify()) {
                    parameters.setEndpointIdentificationAlgorithm("HTTPS");
                }
                socket.setSSLParameters(parameters);
                return http(socket, address, check);
            } catch (IllegalArgumentException e) {
                return new Finding(false, "tls_server_name: " + e.getMessage());
            }
        }

        private static SSLContext context(boolean trusting) {
            try {
                if (!trusting) {
                    return SSLContext.getDefault();
                }
                SSLContext context = SSLContext.getInstance("TLS");
                context.init(null, new TrustManager[] {new Anyone()}, null);
                return context;
            } catch (GeneralSecurityException e) {
                throw new FailedException("this JDK has no TLS: " + e.getMessage(), e);
            }
        }

        private static Finding http(Socket socket, String address, MachineConfig.Check check) throws IOException {
            socket.getOutputStream().write(request(address, check).getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            String answer = read(socket.getInputStream());
            int end = answer.indexOf("\r\n");
            Matcher status = STATUS.matcher(end < 0 ? answer : answer.substring(0, end));
            if (!status.matches()) {
                return new Finding(false, "the answer is not HTTP: " + clip(answer));
            }
            int body = answer.indexOf("\r\n\r\n");
            return new Finding(
                    status.group(1).startsWith("2"),
                    "status " + status.group(1) + ": " + clip(body < 0 ? "" : answer.substring(body + 4)));
        }

        private static String request(String address, MachineConfig.Check check) {
            StringBuilder text =
                    new StringBuilder(check.method() + " " + check.path() + " HTTP/1.1\r\nconnection: close\r\n");
            if (check.headers().keySet().stream().noneMatch(name -> name.equalsIgnoreCase("host"))) {
                text.append("host: ")
                        .append(address.contains(":") ? "[" + address + "]" : address)
                        .append(':')
                        .append(check.port())
                        .append("\r\n");
            }
            if (!check.method().equals("GET") && !check.method().equals("HEAD")) {
                text.append("content-length: 0\r\n");
            }
            for (Map.Entry<String, List<String>> header : check.headers().entrySet()) {
                String name = header.getKey().toLowerCase(Locale.ROOT);
                if (!name.equals("connection") && !name.equals("content-length") && !name.equals("transfer-encoding")) {
                    header.getValue()
                            .forEach(v ->
                                    text.append(name).append(": ").append(v).append("\r\n"));
                }
            }
            return text.append("\r\n").toString();
        }

        /** Reads up to the end, or up to the bound of what is kept. */
        private static String read(InputStream in) throws IOException {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] piece = new byte[8192];
            try {
                for (int n = in.read(piece); n > 0 && all.size() < MAX_ANSWER && !whole(all, piece, n); ) {
                    n = in.read(piece);
                }
            } catch (IOException e) {
                // Many servers do not close the connection, so what has arrived decides, if anything has.
                if (all.size() == 0) {
                    throw e;
                }
            }
            return all.toString(StandardCharsets.UTF_8);
        }

        /** Whether the response is complete by its own Content-Length, so that the server need not close. */
        private static boolean whole(ByteArrayOutputStream all, byte[] piece, int count) {
            all.write(piece, 0, count);
            String text = all.toString(StandardCharsets.ISO_8859_1);
            int body = text.indexOf("\r\n\r\n");
            Matcher length = LENGTH.matcher(body < 0 ? "" : text.substring(0, body));
            return length.find() && all.size() >= body + 4 + Long.parseLong(length.group(1));
        }

        private static String clip(String text) {
            return text.length() <= MAX_OUTPUT ? text : text.substring(0, MAX_OUTPUT);
        }

        /** For {@code tls_skip_verify}: accepts any certificate, since the address alone identifies the machine. */
        private static final class Anyone implements X509TrustManager {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        }
    }
}
