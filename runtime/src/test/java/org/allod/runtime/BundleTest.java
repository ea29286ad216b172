package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BundleTest {
    @Test
    void channel_thatAnOlderAllodBoundWritable_isTold() {
        String json = "{\"mounts\":[{\"destination\":\"/data\",\"options\":[\"bind\",\"rw\"]},"
                + "{\"destination\":\"/.allod/channel\",\"options\":[\"bind\",\"%s\",\"nosuid\"]}]}";
        assertThat(OciBundle.writableChannel(json.formatted("rw"))).isTrue();
        assertThat(OciBundle.writableChannel(json.formatted("ro"))).isFalse();
        assertThat(OciBundle.writableChannel("{}")).isFalse();
    }
}
