package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigReaderTest {
    @Test
    void defaults_areAsListed() {
        MachineConfig c = TestHost.config("{\"image\":\"web\"}");
        assertThat(c.cpus()).isEqualTo(1);
        assertThat(c.memoryMb()).isEqualTo(256);
        assertThat(c.diskMb()).isEqualTo(2048);
        assertThat(c.restart()).isEqualTo(new MachineConfig.Restart(MachineConfig.Restart.Policy.ON_FAILURE, 10));
        assertThat(c.stop().timeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(c.stop().signal()).isEmpty();
        assertThat(c.autoDestroy()).isFalse();
        assertThat(c.services()).isEmpty();
        MachineConfig.Service s = TestHost.config("{\"image\":\"web\",\"services\":[{\"internal_port\":80}]}")
                .services()
                .getFirst();
        assertThat(s.autostart()).isTrue();
        assertThat(s.autostop()).isEqualTo(MachineConfig.Autostop.OFF);
        assertThat(s.concurrency()).isEqualTo(new MachineConfig.Concurrency(true, 20, 25));
        assertThat(s.minMachinesRunning()).isZero();
    }

    /** As HTTP has it: a field that is said twice has both values. */
    @Test
    void header_ofACheckSaidTwice_hasBothValues() {
        MachineConfig c =
                TestHost.config("{\"image\":\"web\",\"checks\":{\"c\":{\"type\":\"http\",\"port\":1,\"headers\":["
                        + "{\"name\":\"A\",\"values\":[\"1\"]},{\"name\":\"A\",\"values\":[\"2\",\"3\"]}]}}}");
        assertThat(c.checks().get("c").headers()).isEqualTo(java.util.Map.of("A", List.of("1", "2", "3")));
    }

    /** What was wrong, where, and what is allowed. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | config.image is missing",
                "{\"image\":7} | config.image is 7: it must be a string",
                "{\"image\":\"web\",\"imge\":1} | unknown field config.imge",
                "{\"image\":\"web\",\"guest\":{\"cpus\":0}} | config.guest.cpus is 0: it must be a whole number from 1 to 64",
                "{\"image\":\"web\",\"guest\":{\"memory_mb\":\"a\"}} | config.guest.memory_mb is \"a\"",
                "{\"image\":\"web\",\"guest\":{\"memory_mb\":1.5}} | config.guest.memory_mb is 1.5",
                "{\"image\":\"web\",\"size\":\"huge\"} | config.size is \"huge\"",
                "{\"image\":\"web\",\"guest\":{\"gpus\":2}} | config.guest.gpus is 2: hosts have no GPUs",
                "{\"image\":\"web\",\"guest\":{\"kernel_args\":[\"root=/dev/vda\"]}} | config.guest.kernel_args has \"root=/dev/vda\"",
                "{\"image\":\"web\",\"init\":{\"kernel_args\":[\"a b\"]}} | config.init.kernel_args has \"a b\"",
                "{\"image\":\"web\",\"init\":{\"swap_size_mb\":-1}} | config.init.swap_size_mb is -1",
                "{\"image\":\"web\",\"restart\":{\"policy\":\"spot-price\"}} | config.restart.policy is \"spot-price\"",
                "{\"image\":\"web\",\"dns\":{\"nameservers\":[\"dns.example\"]}} | config.dns.nameservers has \"dns.example\"",
                "{\"image\":\"web\",\"dns\":{\"nameservers\":[\"256.1.1.1\"]}} | config.dns.nameservers has \"256.1.1.1\"",
                "{\"image\":\"web\",\"dns\":{\"searches\":[\"a b\"]}} | config.dns.searches has \"a b\"",
                "{\"image\":\"web\",\"dns\":{\"hostname\":\"a.b\"}} | config.dns.hostname is \"a.b\"",
                "{\"image\":\"web\",\"dns\":{\"options\":[{\"name\":\"x y\"}]}} | config.dns.options[0].name is \"x y\"",
                "{\"image\":\"web\",\"dns\":{\"server\":1}} | unknown field config.dns.server",
                "{\"image\":\"web\",\"standbys\":[\"x\"]} | config.standbys has \"x\"",
                "{\"image\":\"web\",\"metrics\":{}} | config.metrics.port is missing",
                "{\"image\":\"web\",\"checks\":{\"c\":{\"type\":\"tcp\",\"port\":1,\"path\":\"/\"}}} | config.checks.c.path is for checks of type http",
                "{\"image\":\"web\",\"checks\":{\"c\":{\"type\":\"http\",\"port\":1,\"tls_skip_verify\":true}}} | config.checks.c.tls_skip_verify is for checks with protocol https",
                "{\"image\":\"web\",\"checks\":{\"c\":{\"type\":\"http\",\"port\":1,\"headers\":[{\"name\":\"A\",\"values\":[\"\\n\"]}]}}} | config.checks.c.headers[0].values has a character",
                "{\"image\":\"web\",\"files\":[{\"guest_path\":\"/x\",\"raw_value\":\"\",\"image_config\":\"w\"}]} | both say what is in the file",
                "{\"image\":\"web\",\"mounts\":[{}]} | config.mounts[0].volume is missing",
                "{\"image\":\"web\",\"mounts\":[{\"volume\":\"v\",\"path\":\"/d\"}]} | config.mounts[0].volume is \"v\"",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\"}]} | config.mounts[0].path is missing",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"d\"}]} | config.mounts[0].path is \"d\"",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/a/../b\"}]} | config.mounts[0].path",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/\"}]} | config.mounts[0].path",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/sys/x\"}]} | config.mounts[0].path",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/d\"},{\"name\":\"w\",\"path\":\"/d/e\"}]} | config.mounts[1].path is /d/e",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/d\",\"extend_threshold_percent\":80}]} | config.mounts[0].add_size_gb is missing",
                "{\"image\":\"web\",\"restart\":{\"policy\":\"often\"}} | config.restart.policy is \"often\"",
                "{\"image\":\"web\",\"stop_config\":{\"signal\":\"SIGFOO\"}} | config.stop_config.signal is \"SIGFOO\"",
                "{\"image\":\"web\",\"stop_config\":{\"timeout\":\"soon\"}} | config.stop_config.timeout is \"soon\"",
                "{\"image\":\"web\",\"stop_config\":{\"timeout\":\"9h\"}} | config.stop_config.timeout is \"9h\"",
                "{\"image\":\"web\",\"services\":[{}]} | config.services[0].internal_port is missing",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"autostop\":\"x\"}]} | config.services[0].autostop is \"x\"",
                "{\"image\":\"web\",\"services\":{}} | config.services is {}: it must be a list",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":80}]}]} | config.services[0].ports[0].handlers is for port 80, which all apps share",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":443,\"handlers\":[\"http\"]}]}]} | config.services[0].ports[0].handlers is for port 443",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"start_port\":70,\"end_port\":90}]}]} | config.services[0].ports[0].handlers is for port 80",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":90,\"end_port\":99}]}]} | config.services[0].ports[0].end_port is beside",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"start_port\":90}]}]} | config.services[0].ports[0].end_port is missing",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{}]}]} | config.services[0].ports[0].port is missing",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"start_port\":1000,\"end_port\":1100}]}]} | config.services[0].ports[0].end_port is 1100: a range from 1000 ends at 1000 to 1099",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":5000,\"handlers\":[\"pg_tls\"]}]}]} | config.services[0].ports[0].handlers names \"pg_tls\"",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":5000,\"handlers\":[\"http\",\"proxy_proto\"]}]}]} | config.services[0].ports[0].handlers has \"http\" and \"proxy_proto\"",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":5000,\"force_https\":true}]}]} | config.services[0].ports[0].force_https is for a port with the handler \"http\"",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":5000,\"http_options\":{\"idle_timeout\":5}}]}]} | config.services[0].ports[0].http_options is for a port with the handler \"http\"",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":5000,\"proxy_proto_options\":{\"version\":\"v2\"}}]}]} | config.services[0].ports[0].proxy_proto_options is for a port",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":80,\"handlers\":[\"http\"],\"http_options\":{\"response\":{\"headers\":{\"Connection\":\"x\"}}}}]}]} | config.services[0].ports[0].http_options.response.headers.Connection is not the name",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":443,\"handlers\":[\"tls\",\"http\"],\"tls_options\":{\"alpn\":[\"h2\"]}}]}]} | config.services[0].ports[0].tls_options.alpn is [h2]",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":443,\"handlers\":[\"tls\",\"http\"],\"tls_options\":{\"default_self_signed\":false}}]}]} | config.services[0].ports[0].tls_options.default_self_signed is false",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"protocol\":\"udp\"}]} | config.services[0].protocol is \"udp\"",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"depends_on\":[{\"name\":\"b\"}]},{\"name\":\"b\",\"depends_on\":[{\"name\":\"c\"}]},{\"name\":\"c\",\"depends_on\":[{\"name\":\"b\"}]}]} | config.containers wait for each other in a circle: b → c → b",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"depends_on\":[{\"name\":\"z\"}]}]} | config.containers[0].depends_on names \"z\": the machine's containers are a",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"depends_on\":[{\"name\":\"b\",\"condition\":\"exited_successfully\"}]},{\"name\":\"b\",\"restart\":{\"policy\":\"always\"}}]} | config.containers[0].depends_on waits for b to exit, but it is always restarted",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\"},{\"name\":\"a\"}]} | config.containers has two containers called a",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a b\"}]} | config.containers[0].name is \"a b\": it must be",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"healthchecks\":[{\"name\":\"up\"}]}]} | config.containers[0].healthchecks[0] asks 0 things",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\",\"healthchecks\":[{\"http\":{}}]}]} | config.containers[0].healthchecks[0].http.port is missing",
                "{\"image\":\"web\",\"containers\":[{\"name\":\"a\"}],\"processes\":[{\"exec\":[\"b\"]}]} | config.processes and config.containers both say what runs",
                "{\"image\":\"web\",\"processes\":[{\"exec\":[\"b\"]}],\"init\":{\"cmd\":[\"c\"]}} | config.processes says what runs, and so does config.init",
                "{\"image\":\"web\",\"processes\":[{\"exec\":[\"b\"],\"env_from\":[{\"env_var\":\"A\",\"field_ref\":\"state\"}]}]} | config.processes[0].env_from[0].field_ref is \"state\"",
                "{\"image\":\"web\",\"files\":[{\"guest_path\":\"x\"}]} | config.files[0].guest_path is \"x\": it must be the absolute path",
                "{\"image\":\"web\",\"files\":[{\"guest_path\":\"/x\",\"raw_value\":\"***\"}]} | config.files[0].raw_value is not base64",
                "{\"image\":\"web\",\"env\":{\"A=\":\"1\"}} | config.env has the name \"A=\"",
                "{\"image\":\"web\",\"checks\":{\"c\":{\"type\":\"tcp\"}}} | config.checks.c.port is missing",
                "{\"image\":\"web\",\"statics\":[{\"url_prefix\":\"/s\"}]} | config.statics[0].guest_path is missing",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/srv\"}]} | config.statics[0].url_prefix is missing",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"srv\",\"url_prefix\":\"/s\"}]} | config.statics[0].guest_path is \"srv\"",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/srv/../etc\",\"url_prefix\":\"/s\"}]} | config.statics[0].guest_path is \"/srv/../etc\"",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/srv\",\"url_prefix\":\"/s?x\"}]} | config.statics[0].url_prefix is \"/s?x\"",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/srv\",\"url_prefix\":\"/s%2e\"}]} | config.statics[0].url_prefix is \"/s%2e\"",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/a\",\"url_prefix\":\"/s\"},{\"guest_path\":\"/b\",\"url_prefix\":\"/s/\"}]} | config.statics[1].url_prefix is /s/, which another entry has",
                "{\"image\":\"web\",\"statics\":[{\"guest_path\":\"/srv\",\"url_prefix\":\"/s\",\"index_document\":\"../x\"}]} | config.statics[0].index_document is \"../x\": it must be",
                "{\"image\":\"web\",\"mounts\":[{\"name\":\"v\",\"path\":\"/srv/up\"}],\"statics\":[{\"guest_path\":\"/srv\",\"url_prefix\":\"/s\"}]} | config.statics[0].guest_path is /srv, and a volume is mounted at /srv/up",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":80,\"handlers\":[\"http\"],\"http_options\":{\"headers_read_timeout\":11}}]}]} | config.services[0].ports[0].http_options.headers_read_timeout is 11: every app's heads must come within 10 s",
                "{\"image\":\"web\",\"services\":[{\"internal_port\":80,\"concurrency\":{\"soft_limit\":9,\"hard_limit\":5}}]} | config.services[0].concurrency.soft_limit is 9",
            })
    void badInput_namesTheFieldAndWhatIsAllowed(String json, String message) {
        assertThatThrownBy(() -> TestHost.config(json))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining(message);
    }

    @Test
    void unknownField_nearAKnownOne_isHinted() {
        assertThatThrownBy(() -> TestHost.config("{\"image\":\"web\",\"sevices\":[]}"))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.hint()).contains("did you mean config.services?"));
    }

    @Test
    void answeredConfig_readAgain_meansTheSame() {
        MachineConfig once = TestHost.config(
                "{\"image\":\"web\",\"guest\":{\"cpus\":2},\"services\":[{\"internal_port\":80,\"autostop\":true}]}");
        MachineConfig twice = MachineJson.config(once.json());
        assertThat(twice.json()).isEqualTo(once.json());
        assertThat(twice.services()).isEqualTo(once.services());
        assertThat(twice.cpus()).isEqualTo(2);
    }

    @Test
    void sizes_namedAndSaid_combine() {
        GuestSize named = TestHost.config("{\"image\":\"web\",\"size\":\"performance-4x\"}")
                .guest();
        assertThat(named).isEqualTo(new GuestSize(GuestSize.CpuKind.PERFORMANCE, 4, 8192, List.of()));
        GuestSize both = TestHost.config(
                        "{\"image\":\"web\",\"size\":\"shared-cpu-2x\",\"guest\":{\"memory_mb\":1024,\"max_memory_mb\":1024}}")
                .guest();
        assertThat(both).isEqualTo(new GuestSize(GuestSize.CpuKind.SHARED, 2, 1024, List.of()));
        assertThat(both.cpuWeight()).isEqualTo(12);
        MachineConfig answered = TestHost.config("{\"image\":\"web\",\"guest\":{\"cpu_kind\":\"performance\"}}");
        assertThat(answered.json().get("guest").get("cpu_kind").stringValue()).isEqualTo("performance");
        assertThat(MachineJson.config(answered.json()).guest()).isEqualTo(answered.guest());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"init\":{\"swap_size_mb\":64}} | config.init.swap_size_mb",
                "{\"init\":{\"kernel_args\":[\"a\"]}} | config.init.kernel_args",
                "{\"guest\":{\"kernel_args\":[\"a\"]}} | config.guest.kernel_args",
                "{\"guest\":{\"persist_rootfs\":\"always\"}} | config.guest.persist_rootfs",
                "{\"rootfs\":{\"persist\":\"restart\"}} | config.rootfs.persist",
            })
    void whatOnlyMicroVmsCan_isRefusedForGvisorByName(String json, String field) {
        MachineConfig config = TestHost.config("{\"image\":\"web\"," + json.substring(1));
        RuntimeLimits.check(config, "microvm");
        assertThatThrownBy(() -> RuntimeLimits.check(config, "gvisor"))
                .isInstanceOf(RejectedException.class)
                .hasMessageStartingWith(field + ":");
    }

    @Test
    void microVm_withTooLittleForAKernelOfItsOwn_isRefused() {
        MachineConfig small = TestHost.config("{\"image\":\"web\",\"guest\":{\"memory_mb\":127}}");
        RuntimeLimits.check(small, "gvisor");
        assertThatThrownBy(() -> RuntimeLimits.check(small, "microvm"))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("config.guest.memory_mb is 127: a microVM")
                .hasMessageContaining("128");
    }

    @Test
    void image_mayBeLeftOut_whereEveryContainerNamesOne() {
        MachineConfig all = TestHost.config(
                "{\"containers\":[{\"name\":\"a\",\"image\":\"db\"},{\"name\":\"b\",\"image\":\"web\"}]}");
        assertThat(all.image()).isEqualTo("db");
        assertThat(all.otherImages()).containsExactly("web");
        assertThatThrownBy(
                        () -> TestHost.config("{\"containers\":[{\"name\":\"a\",\"image\":\"db\"},{\"name\":\"b\"}]}"))
                .hasMessageContaining("config.image is missing");
    }

    @Test
    void processes_areNamedByTheirProgram_eachOnce() {
        assertThat(TestHost.config(
                                "{\"image\":\"web\",\"processes\":[{\"exec\":[\"/bin/sh\",\"x\"]},{\"exec\":[\"sh\"]},{}]}")
                        .processes())
                .extracting(ProcessConfig::name)
                .containsExactly("sh", "sh-2", "main");
    }

    @Test
    void command_newEntrypoint_dropsTheImagesArguments() {
        List<String> entrypoint = List.of("/entry");
        List<String> cmd = List.of("arg");
        assertThat(ConfigReader.command(TestHost.config("{\"image\":\"web\"}"), entrypoint, cmd))
                .containsExactly("/entry", "arg");
        assertThat(ConfigReader.command(
                        TestHost.config("{\"image\":\"web\",\"init\":{\"cmd\":[\"x\"]}}"), entrypoint, cmd))
                .containsExactly("/entry", "x");
        assertThat(ConfigReader.command(
                        TestHost.config("{\"image\":\"web\",\"init\":{\"entrypoint\":[\"/e\"]}}"), entrypoint, cmd))
                .containsExactly("/e");
        assertThat(ConfigReader.command(
                        TestHost.config("{\"image\":\"web\",\"init\":{\"exec\":[\"/x\",\"y\"]}}"), entrypoint, cmd))
                .containsExactly("/x", "y");
    }

    @ParameterizedTest
    @CsvSource({"10s,10000", "1m30s,90000", "250ms,250", "5,5000", "1h,3600000", "1.5s,1500"})
    void durations_asGoWritesThem_areRead(String text, long millis) {
        assertThat(GoDuration.parse(text)).contains(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource({"''", "x", "s", "1d", "-1s", "1s2"})
    void durations_others_areNot(String text) {
        assertThat(GoDuration.parse(text)).isEmpty();
    }
}
