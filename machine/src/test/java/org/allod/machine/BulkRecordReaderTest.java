package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;

/** Records as they are written, read back: each as it was, and the configurations of like ones shared. */
class BulkRecordReaderTest {
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
        BulkRecordReader reader = new BulkRecordReader();
        for (String config : CONFIGS) {
            Machine written = machine(config);
            Machine read = reader.read(MachineJson.write(written));
            assertThat(read).isEqualTo(written);
            assertThat(read.config().text()).isEqualTo(written.config().text());
        }
    }

    @Test
    void records_alike_shareTheirConfiguration() {
        BulkRecordReader reader = new BulkRecordReader();
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
        assertThat(new BulkRecordReader().read(more)).isEqualTo(new BulkRecordReader().read(written));
        assertThatThrownBy(() -> new BulkRecordReader().read(written.replace("\"region\"", "\"area\"")))
                .isInstanceOf(Bug.class)
                .hasMessageContaining("region");
    }

    @Test
    void record_alike_isReadByItsShape_asItIsInFull() {
        BulkRecordReader reader = new BulkRecordReader();
        String first = MachineJson.write(machine(CONFIGS.get(4).replace("\"x\"", "\"x\":\"1\",\"z\"")));
        var _ = reader.read(first);
        for (String other : List.of(
                first.replace("\"one\"", "\"another-name\"").replace("stopped", "failed"),
                first.replace("\"y\"", "\"\"").replace(":17:05Z", ":59:59.123456789Z"),
                first.replace("\"x\":\"1\"", "\"x\":\"longer \\\"than\\\" before\""),
                first.replace("\"y\"", "\"ÿ\"").replace("\"restarts\":0", "\"restarts\":3"),
                first.replace("\"port\":80", "\"port\":81"),
                first.replace("\"app\":\"app\"", "\"app\":\"other\""))) {
            Machine full = new BulkRecordReader().read(other);
            Machine like = reader.read(other);
            assertThat(like).isEqualTo(full);
            assertThat(like.config().text()).isEqualTo(full.config().text());
            assertThat(MachineJson.write(like)).isEqualTo(other);
        }
    }

    @Test
    void record_damagedAnywhere_isNotTakenForOneLikeIt() {
        BulkRecordReader reader = new BulkRecordReader();
        String whole = MachineJson.write(machine(CONFIGS.get(2)));
        Machine read = reader.read(whole);
        for (int cut = 0; cut < whole.length(); cut++) {
            String less = whole.substring(0, cut);
            assertThatThrownBy(() -> reader.read(less)).as("cut at %d", cut).isInstanceOf(Throwable.class);
            char was = whole.charAt(cut);
            String other = less + (was == '0' ? '1' : '0') + whole.substring(cut + 1);
            assertThat(outcome(reader, other)).as(other).isEqualTo(outcome(new BulkRecordReader(), other));
        }
        assertThat(reader.read(whole)).isEqualTo(read);
    }

    /** What is read, or what is said instead. */
    private static Object outcome(BulkRecordReader reader, String record) {
        try {
            return reader.read(record);
        } catch (RuntimeException | Bug e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void living_damagedRecord_saysWhose() {
        VirtualTime time = new VirtualTime(Instant.parse("2026-11-22T10:17:05Z"));
        try (TestHost host = new TestHost(time, time)) {
            host.machine(MachineState.STOPPED, CONFIGS.getFirst());
            assertThat(host.table.living()).hasSize(1);
            for (String damage : List.of(
                    "substr(record, 1, length(record) - 9)",
                    "replace(record, 'stopped', 'napping')",
                    "replace(record, '\"config\"', '\"conf\"')",
                    "replace(record, '\"web\"', '7')",
                    "''")) {
                String before = host.database.read(tx -> tx.first("SELECT record FROM machine", row -> row.getString(1))
                        .orElseThrow());
                host.database.write(tx -> tx.update("UPDATE machine SET record = " + damage));
                assertThatThrownBy(host.table::living)
                        .as(damage)
                        .isInstanceOf(FailedException.class)
                        .hasMessageContaining("the record of machine " + TestHost.ID)
                        .hasMessageContaining("host.db is damaged");
                host.database.write(tx -> tx.update("UPDATE machine SET record = ?", before));
            }
            assertThat(host.table.living()).hasSize(1);
        }
    }

    @Test
    void moment_readAsTheJdkReadsIt() {
        for (String text : List.of(
                "2026-11-22T10:17:05Z",
                "2026-01-31T23:59:59.5Z",
                "2024-02-29T00:00:00.000000001Z",
                "1969-12-31T23:59:59.999999999Z",
                "0001-12-01T00:00:00.010Z",
                "2026-12-31T23:59:60Z",
                "2026-11-22T10:17:05.Z",
                "2026-11-22T24:00:00Z",
                "+12026-11-22T10:17:05Z")) {
            assertThat(InstantParser.parse(text)).isEqualTo(Instant.parse(text));
        }
        for (String text : List.of(
                "",
                "2026-11-22",
                "2026-13-22T10:17:05Z",
                "2026-02-30T10:17:05Z",
                "2026-11-22T10:17:05.1234567891Z",
                "2026-11-22T1O:17:05Z",
                "2026-11-22T10:17:05X")) {
            assertThatThrownBy(() -> InstantParser.parse(text)).isInstanceOf(DateTimeException.class);
        }
    }
}
