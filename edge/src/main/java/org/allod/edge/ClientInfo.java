package org.allod.edge;

import static org.allod.edge.HeadWriter.ascii;

import java.net.InetSocketAddress;

/**
 * What machines are told about a client's connection. One for each connection.
 *
 * @param address the client's address as text
 * @param fields complete header lines that are the same in every request of the connection
 */
@SuppressWarnings("ArrayRecordComponent") // Written once, read by one loop, never compared.
record ClientInfo(byte[] address, byte[] fields) {
    static final byte[] FORWARDED_FOR = ascii("x-forwarded-for: ");

    static ClientInfo of(InetSocketAddress client, InetSocketAddress local, boolean tls, String region) {
        String text = client.getAddress().getHostAddress();
        int zone = text.indexOf('%');
        String address = zone < 0 ? text : text.substring(0, zone);
        return new ClientInfo(
                ascii(address),
                ascii("x-forwarded-proto: " + (tls ? "https" : "http") + "\r\nx-forwarded-port: " + local.getPort()
                        + "\r\nfly-client-ip: "
                        + address
                        + "\r\nfly-forwarded-port: " + local.getPort() + "\r\nfly-region: " + region
                        + "\r\nvia: 1.1 allod\r\n"));
    }
}
