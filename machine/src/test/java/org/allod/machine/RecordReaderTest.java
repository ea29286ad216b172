package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import org.allod.base.Bug;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;

/** Records as they are written, read back: each as it was, and the configurations of like ones shared. */
class RecordReaderTest {
    private static final List<String> CONFIGS = List.of(
            "{\"image\":\"web\"}",
            "{\"image\":\"web\",\"env\":{\"A\":\"1\"}}",
            "{\"env\":{\"A\":\"2 \\\"}, {\",\"Ä\":\"ü\\n\"},\"image\":\"web\",\"metadata\":{\"role\":\"a\"}}",
            "{\"metadata\":{\"role\":\"b\"},\"env\":{},\"image\":\"web\",\"guest\":{\"cpus\":1,\"memory_mb\":256}}",
            "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":80,\"handlers\":[\"http\"]}]}],"
                    + "\"metadata\":{\"x\":\"y\"}}");

    private static Machine machine(String config) {
        VirtualTime time = new VirtualTime(Instant.parse("2026-11-22T10:17:05Z"));
        TestHost host = new TestHost(time, time);
        try {
            return host.machine(MachineState.STOPPED, config);
        } finally {
            host.close();
        }
    }

    @Test
    void record_writtenAndRead_isAsItWas() {
        RecordReader reader = new RecordReader();
        for (String config : CONFIGS) {
            Machine written = machine(config);
            Machine read = reader.read(MachineJson.write(written));
            assertThat(read).isEqualTo(written);
            assertThat(read.config().text()).isEqualTo(written.config().text());
        }
    }

    @Test
    void records_alike_shareTheirConfiguration() {
        RecordReader reader = new RecordReader();
        Machine one = reader.read(MachineJson.write(machine(CONFIGS.get(1))));
        Machine other = reader.read(MachineJson.write(machine("{\"image\":\"web\",\"env\":{\"A\":\"9\"}}")));
        assertThat(other.config().guest()).isSameAs(one.config().guest());
        assertThat(other.config().env()).containsEntry("A", "9");
        assertThat(one.config().env()).containsEntry("A", "1");
    }

    @Test
    void record_ofAnotherVersion_itsUnknownFieldsAreLeft_andAMissingOneIsNamed() {
        String written = MachineJson.write(machine(CONFIGS.getFirst()));
        String more = written.replaceFirst("\\{", "{\"later\":{\"a\":[1,{}]},\"list\":[[]],");
        assertThat(new RecordReader().read(more)).isEqualTo(new RecordReader().read(written));
        assertThatThrownBy(() -> new RecordReader().read(written.replace("\"region\"", "\"area\"")))
                .isInstanceOf(Bug.class)
                .hasMessageContaining("region");
    }
}
