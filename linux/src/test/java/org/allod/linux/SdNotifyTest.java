package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a socket that stands for the manager's. The real one is in {@code CgroupsV2Systemd}. */
class SdNotifyTest {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    @TempDir
    Path folder;

    private int socket;

    @BeforeEach
    void listen() throws Throwable {
        byte[] name = socketPath().getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            socket = (int)
                    call("socket", FunctionDescriptor.of(INT, INT, INT, INT)).invokeExact(AF_UNIX, SOCK_DGRAM, 0);
            MemorySegment address = arena.allocate(110);
            address.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            int bound = (int) call("bind", FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, INT))
                    .invokeExact(socket, address, 2 + name.length);
            assertThat(bound).isZero();
        }
    }

    @AfterEach
    void close() {
        Libc.close(socket);
    }

    private static java.lang.invoke.MethodHandle call(String name, FunctionDescriptor shape) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), shape);
    }

    private String socketPath() {
        return folder.resolve("notify").toString();
    }

    /** The next datagram; empty where there is none. */
    private String heard() throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(500);
            long length = (long) call(
                            "recv",
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_LONG, INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, INT))
                    .invokeExact(socket, buffer, 500L, MSG_DONTWAIT);
            byte[] bytes = new byte[(int) Math.max(0, length)];
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    @Test
    void manager_isToldOfEachStage_inItsOwnWords() throws Throwable {
        SdNotify manager = SdNotify.of(Map.of("NOTIFY_SOCKET", socketPath(), "WATCHDOG_USEC", "30000000"));
        assertThat(manager.watchdog()).contains(Duration.ofSeconds(30));
        manager.starting("looking around", Duration.ofMinutes(10));
        assertThat(heard()).isEqualTo("EXTEND_TIMEOUT_USEC=600000000\nSTATUS=looking around");
        manager.ready("serving");
        assertThat(heard()).isEqualTo("READY=1\nSTATUS=serving");
        manager.alive();
        assertThat(heard()).isEqualTo("WATCHDOG=1");
        manager.stopping();
        assertThat(heard()).startsWith("STOPPING=1\nSTATUS=");
    }

    @Test
    void withoutAManager_nothingIsSaid() throws Throwable {
        SdNotify manager = SdNotify.of(Map.of());
        assertThat(manager.watchdog()).isEmpty();
        manager.ready("serving");
        manager.starting("looking around", Duration.ofMinutes(10));
        assertThat(heard()).isEmpty();
    }
}
