package org.allod.runtime;

import java.util.ArrayList;
import java.util.List;
import org.allod.linux.Command;
import org.allod.linux.NetNs;

/** What root in a microVM can send: any frame, from any address. By perl, which every Debian has. */
final class RawFrames {
    private static final String SEND = """
            use strict;
            use Socket qw(:DEFAULT inet_pton AF_INET6);
            my ($what, $count, $device) = @ARGV;
            socket(my $socket, 17, 3, 0) or die "socket: $!";
            my $request = pack('a16 x24', $device);
            ioctl($socket, 0x8933, $request) or die "no $device: $!";
            my $index = unpack('x16 i', $request);
            my $to = pack('S n i S C C a8', 17, 0, $index, 0, 0, 6, "\\xff" x 6);
            for my $i (1 .. $count) {
                my $frame;
                my $from = pack('C6', 2, 0x77, rand(256), rand(256), $i >> 8, $i & 255);
                if ($what eq 'arp') {
                    $frame = ("\\xff" x 6) . $from . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $from
                        . pack('C4', 100, 65, $i >> 8, $i & 255) . ("\\0" x 6) . inet_aton('100.64.0.1');
                } elsif ($what eq 'nd') {
                    my $source = pack('H*', 'fe80' . '0' x 12) . pack('C2 n n n', 2, 0x77, 0x1234, 0x5678, $i);
                    my $target = inet_pton(AF_INET6, 'fe80::1');
                    my $body = pack('C C n N', 135, 0, 0, 0) . $target . pack('C C', 1, 1) . $from;
                    my $sum = 0;
                    my $all = $source . $target . pack('N N', length($body), 58) . $body;
                    $sum += $_ for unpack('n*', $all);
                    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
                    substr($body, 2, 2) = pack('n', ~$sum & 0xffff);
                    $frame = pack('H*', '02a110d00001') . $from . pack('n', 0x86dd) . pack('N n C C', 0x60000000,
                        length($body), 58, 255) . $source . $target . $body;
                } else {
                    $frame = ("\\xff" x 6) . $from . pack('n', 0x88b5) . ("x" x 46);
                }
                defined send($socket, $frame, 0, $to) or die "send: $!";
            }
            """;

    private RawFrames() {}

    /**
     * @param what {@code arp}: requests for the gateway; {@code nd}: the same for IPv6; {@code noise}: of no protocol;
     *     each from an address of its own
     */
    static void send(MachineLink link, String device, String what, int count) {
        List<String> command =
                new ArrayList<>(List.of("nsenter", "--net=" + NetNs.path(link.namespace()), "perl", "-e", SEND));
        command.addAll(List.of(what, Integer.toString(count), device));
        Command.of(command.toArray(String[]::new)).output();
    }

    /** A packet to each of so many ports, each the beginning of a connection. */
    static void flows(MachineLink link, String address, int count) {
        Command.of(
                        "nsenter",
                        "--net=" + NetNs.path(link.namespace()),
                        "perl",
                        "-e",
                        "use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 0); for my $i (1 .. $ARGV[1]) {"
                                + " send($s, 'x', 0, pack_sockaddr_in(10000 + $i, inet_aton($ARGV[0]))) }",
                        address,
                        Integer.toString(count))
                .output();
    }
}
