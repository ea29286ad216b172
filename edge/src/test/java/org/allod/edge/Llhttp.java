package org.allod.edge;

import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** llhttp, as it is in Node: one process that parses whatever it is sent. {@code allod setup --for-tests} installs Node. */
final class Llhttp implements AutoCloseable {
    private final Process process;
    private final BufferedReader said;

    Llhttp(Path folder) throws IOException {
        Path script = folder.resolve("llhttp.js");
        try (var source = Llhttp.class.getResourceAsStream("llhttp.js")) {
            Files.copy(java.util.Objects.requireNonNull(source), script);
        }
        try {
            process = new ProcessBuilder("node", script.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new AssertionError("there is no node; install what the tests need with: allod setup --for-tests", e);
        }
        said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    }

    /** What it makes of each of these. */
    List<ReadMessage.All> read(List<byte[]> cases, boolean requests) throws IOException {
        Thread sender = Thread.ofVirtual().start(() -> {
            try {
                DataOutputStream to =
                        new DataOutputStream(new java.io.BufferedOutputStream(process.getOutputStream(), 1 << 16));
                for (byte[] one : cases) {
                    to.writeByte(requests ? 'Q' : 'S');
                    to.writeInt(one.length);
                    to.write(one);
                }
                to.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        List<ReadMessage.All> all = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            String line = said.readLine();
            if (line == null) {
                throw new AssertionError("node ended at case " + i);
            }
            all.add(all(new Json(line).object()));
        }
        try {
            sender.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return all;
    }

    private static ReadMessage.All all(Map<String, Object> line) {
        List<ReadMessage> messages = new ArrayList<>();
        for (Object one : (List<?>) line.get("messages")) {
            Map<?, ?> m = (Map<?, ?>) one;
            List<String> byTurns = new ArrayList<>();
            ((List<?>) m.get("headers")).forEach(h -> byTurns.add((String) h));
            messages.add(new ReadMessage(
                    (String) m.get("method"),
                    (String) m.get("target"),
                    (Integer) m.get("status"),
                    (Integer) m.get("minor"),
                    ReadMessage.headers(byTurns),
                    (String) m.get("body"),
                    (Boolean) m.get("done")));
        }
        return new ReadMessage.All(messages, (String) line.get("error"), false);
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** As much of JSON as the script writes. */
    private static final class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        Map<String, Object> object() {
            Map<String, Object> object = new HashMap<>();
            at++;
            while (text.charAt(at) != '}') {
                String name = string();
                at++;
                object.put(name, value());
                at += text.charAt(at) == ',' ? 1 : 0;
            }
            at++;
            return object;
        }

        private Object value() {
            return switch (text.charAt(at)) {
                case '{' -> object();
                case '[' -> {
                    List<Object> list = new ArrayList<>();
                    at++;
                    while (text.charAt(at) != ']') {
                        list.add(value());
                        at += text.charAt(at) == ',' ? 1 : 0;
                    }
                    at++;
                    yield list;
                }
                case '"' -> string();
                case 't' -> word("true", true);
                case 'f' -> word("false", false);
                default -> {
                    int from = at;
                    while (Character.isDigit(text.charAt(at))) {
                        at++;
                    }
                    yield Integer.valueOf(text.substring(from, at));
                }
            };
        }

        private Object word(String word, Object value) {
            at += word.length();
            return value;
        }

        private String string() {
            StringBuilder out = new StringBuilder();
            at++;
            for (char c = text.charAt(at++); c != '"'; c = text.charAt(at++)) {
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                char escaped = text.charAt(at++);
                switch (escaped) {
                    case 'n' -> out.append('\n');
                    case 'r' -> out.append('\r');
                    case 't' -> out.append('\t');
                    case 'b' -> out.append('\b');
                    case 'f' -> out.append('\f');
                    case 'u' -> {
                        out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                        at += 4;
                    }
                    default -> out.append(escaped);
                }
            }
            return out.toString();
        }
    }
}
