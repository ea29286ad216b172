package org.allod.api;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.base.VirtualTime;
import org.allod.machine.ConfigReader;
import org.allod.machine.StrictJsonReader;

/**
 * The fuzz target: bytes from the network through the decoding of every request, up to the handler. Whatever they are,
 * the response is never an internal error.
 */
public final class RequestFuzz {
    private static final String CREATE = "/v1/apps/{app_name}/machines";
    private static final String WAIT = CREATE + "/{machine_id}/wait";
    private static final String METADATA = CREATE + "/{machine_id}/metadata";

    private static final Dispatcher DISPATCHER = new Dispatcher(
            new EndpointTable(List.of(
                    at(HttpMethod.POST, CREATE, List.of(), call -> {
                        StrictJsonReader in = call.body();
                        in.string("name");
                        in.bool("skip_launch");
                        StrictJsonReader config =
                                in.object("config").orElseThrow(() -> RejectedException.invalid("config is missing"));
                        MachineEndpoints.createOrUpdate(in, call);
                        return Response.ok(ConfigReader.read(config).json());
                    }),
                    at(HttpMethod.GET, CREATE, List.of("state", "metadata.*"), call -> {
                        HistoryEndpoints.states(call.list("state"));
                        call.labels();
                        return new Response.Empty(204);
                    }),
                    at(HttpMethod.GET, WAIT, List.of("state", "version", "from_event_id", "timeout"), call -> {
                        HistoryEndpoints.wanted(call);
                        HistoryEndpoints.timeout(call);
                        return new Response.Empty(204);
                    }),
                    at(HttpMethod.PATCH, METADATA, List.of(), call -> {
                        MetadataEndpoints.change(call);
                        return new Response.Empty(204);
                    }))),
            new RateLimits(new VirtualTime(Instant.EPOCH), RateLimits.Paces.OFF));

    /** Lets everybody in, as root. */
    private static final RequestAggregator.Admission EVERYBODY = new RequestAggregator.Admission() {
        @Override
        public Caller caller(String authorization) {
            return new Caller.Local(0);
        }

        @Override
        public Optional<Response> refusal(Caller caller, HttpMethod method, List<String> segments, boolean body) {
            return Optional.empty();
        }

        @Override
        public long now() {
            return 0;
        }
    };

    /** Where the search begins: requests that make sense, whole and bodies alone. */
    static final List<String> SEEDS = List.of(
            """
            B{"name":"one","region":"local","skip_launch":true,"lease_ttl":30,"config":{"image":"web","env":{"A":"1"},
            "init":{"exec":["a"],"cmd":["b"],"entrypoint":["c"],"tty":true},"guest":{"cpu_kind":"shared","cpus":2,"memory_mb":256},
            "restart":{"policy":"on-failure","max_retries":3},"stop_config":{"signal":"SIGTERM","timeout":"10s"},"auto_destroy":true,
            "files":[{"guest_path":"/etc/a","raw_value":"aGk=","mode":420}],"metadata":{"k":"v"},
            "services":[{"protocol":"tcp","internal_port":8080,"autostart":true,"autostop":"stop","min_machines_running":1,
            "concurrency":{"type":"requests","soft_limit":2,"hard_limit":3},"ports":[{"port":80,"handlers":["http"]}],
            "checks":[{"type":"http","port":8080,"method":"get","path":"/","interval":"1s","timeout":"2s","grace_period":"1m"}]}],
            "checks":{"up":{"type":"tcp","port":1,"interval":"15s","timeout":"1s"}}}}""",
            "RGET /v1/apps/a/machines/0123/wait?state=started,settled&state=failed&version=01ARZ3NDEKTSV4RRFFQ69G5FAV"
                    + "&timeout=1m30s HTTP/1.1\r\nHost: x\r\n\r\n",
            "RGET /v1/apps/a%20b/machines?metadata.role=web&state=stopped HTTP/1.1\r\nHost: x\r\n\r\n",
            "RGET /v1/apps/%zz/machines?state=%e2%98%83%2 HTTP/1.1\r\nHost: x\r\n\r\n",
            "RPATCH /v1/apps/a/machines/1/metadata HTTP/1.1\r\nContent-Length: 47\r\n\r\n"
                    + "{\"metadata\":{\"a\":null,\"b\":\"c\"},\"updated_at\":\"\"}",
            "RPOST /v1/apps/a/machines HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");

    private RequestFuzz() {}

    private static Endpoint at(HttpMethod method, String template, List<String> query, Endpoint.Handler handler) {
        return new Endpoint(method, template, template, "", query, Endpoint.Access.TOKEN, handler);
    }

    /** Called by Jazzer once: loads what decoding needs, which under instrumentation takes seconds and would count. */
    public static void fuzzerInitialize() {
        for (String seed : SEEDS) {
            fuzzerTestOneInput(seed.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Called by Jazzer. The first byte says what the others are: a whole request, or the body of a create. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) {
            return;
        }
        byte[] rest = java.util.Arrays.copyOfRange(data, 1, data.length);
        byte[] head = ("POST /v1/apps/a/machines HTTP/1.1\r\nContent-Length: " + rest.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        ConnectionDeadlines deadlines =
                new ConnectionDeadlines(ApiConfig.usual().times(), 0);
        EmbeddedChannel channel = new EmbeddedChannel(
                new RequestDecoder(() -> deadlines.begun(0)),
                new RequestAggregator(EVERYBODY, new CallerBudget(1 << 30, 1 << 30), deadlines));
        try {
            if (data[0] == 'B') {
                channel.writeInbound(Unpooled.wrappedBuffer(head, rest));
            } else {
                channel.writeInbound(Unpooled.wrappedBuffer(rest));
            }
            for (Object read = channel.readInbound(); read != null; read = channel.readInbound()) {
                switch ((InboundMessage) read) {
                    case InboundMessage.Asked(var request, var caller, var _) ->
                        answered(DISPATCHER.answer(request, caller, "fuzz"));
                    case InboundMessage.Unfit unfit -> answered(unfit.response());
                }
            }
        } finally {
            channel.finishAndReleaseAll();
        }
    }

    private static void answered(Response response) {
        if (response instanceof Response.Json(int status, var body) && status >= 500) {
            throw new AssertionError(status + " " + body);
        }
    }
}
