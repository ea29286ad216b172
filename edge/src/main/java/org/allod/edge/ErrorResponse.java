package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;

/**
 * The edge's own response to a request it cannot forward: what is wrong and what to do, for a person in a terminal, a
 * person in a browser, or a program.
 *
 * @param why one sentence, without secrets; client input is quoted as plain text
 * @param hint what to do about it, or empty
 */
record ErrorResponse(Problem problem, String why, String hint) {
    ErrorResponse(Problem problem, String why) {
        this(problem, why, "");
    }

    /**
     * Writes the complete response.
     *
     * @param toHead true for {@code HEAD}: no body
     * @param close whether the connection ends after it
     */
    ByteBuf write(ByteBufAllocator allocator, RequestHead.Wants wants, boolean toHead, boolean close, String id) {
        byte[] body = body(wants, id).getBytes(StandardCharsets.UTF_8);
        String type = switch (wants) {
            case TEXT -> "text/plain; charset=utf-8";
            case HTML -> "text/html; charset=utf-8";
            case JSON -> "application/json";
        };
        StringBuilder head = new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(problem.status())
                .append(' ')
                .append(problem.reason())
                .append("\r\ncontent-type: ")
                .append(type)
                .append("\r\ncontent-length: ")
                .append(body.length)
                .append("\r\ncache-control: no-store\r\nallod-error: ")
                .append(problem.code())
                .append("\r\nvia: 1.1 allod\r\nfly-request-id: ")
                .append(id);
        if (problem.retryAfter() > 0) {
            head.append("\r\nretry-after: ").append(problem.retryAfter());
        }
        head.append(close ? "\r\nconnection: close\r\n\r\n" : "\r\n\r\n");
        ByteBuf buffer = allocator.directBuffer(head.length() + body.length);
        buffer.writeCharSequence(head, StandardCharsets.US_ASCII);
        if (!toHead) {
            buffer.writeBytes(body);
        }
        return buffer;
    }

    private String body(RequestHead.Wants wants, String id) {
        return switch (wants) {
            case TEXT ->
                problem.status() + " " + problem.reason() + " (" + problem.code() + ")\n\n" + why + ".\n"
                        + (hint.isEmpty() ? "" : hint + ".\n") + "\nRequest " + id + ", answered by the Allod edge.\n";
            case JSON ->
                "{\"error\":" + json(why) + ",\"code\":" + json(problem.code()) + ",\"status\":"
                        + problem.status() + (hint.isEmpty() ? "" : ",\"hint\":" + json(hint)) + ",\"request_id\":"
                        + json(id)
                        + "}\n";
            case HTML ->
                """
                    <!doctype html><html lang="en"><meta charset="utf-8">\
                    <meta name="viewport" content="width=device-width"><title>%1$s</title><style>\
                    body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem;\
                    color:#222;background:#fff}h1{font-size:1.4rem}small,code{color:#666}\
                    @media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}</style>
                    <h1>%1$s</h1>
                    <p>%2$s.</p>
                    %3$s<p><small>%4$s &middot; request %5$s &middot; answered by the Allod edge</small></p>
                    """.formatted(
                                html(problem.status() + " " + problem.reason()),
                                html(why),
                                hint.isEmpty() ? "" : "<p>" + html(hint) + ".</p>\n",
                                problem.code(),
                                html(id));
        };
    }

    private static String html(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static String json(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c == 0x2028 || c == 0x2029) {
                out.append("\\u%04x".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
