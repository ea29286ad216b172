package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One message as some parser understood it: what decides where it goes, what it means and where it ends.
 *
 * @param method of a request, else empty
 * @param target of a request, else empty
 * @param status of a response, else 0
 * @param headers names in lower case with their values, in order
 * @param body without the frames of chunks, as far as it has come
 * @param done whether it has come to its end
 */
record ReadMessage(
        String method, String target, int status, int minor, List<String> headers, String body, boolean done) {
    ReadMessage {
        if (status > 0 && (status < 200 || status == 204 || status == 304)) {
            // Nobody heeds it where there is no body, and Netty takes it out.
            headers = headers.stream()
                    .filter(h -> !h.startsWith("transfer-encoding:"))
                    .toList();
        }
    }

    static String header(String name, String value) {
        return name.toLowerCase(Locale.ROOT) + ": " + value;
    }

    /**
     * What a parser made of a connection's bytes.
     *
     * @param error why it went no further, or empty
     * @param closed whether nothing behind the last message belongs to this protocol any more
     */
    record All(List<ReadMessage> messages, String error, boolean closed) {
        boolean failed() {
            return !error.isEmpty();
        }

        /**
         * Where another parser understood something else. It may have given up on a message; it may not have read
         * another one in its place.
         *
         * @return empty where both agree
         */
        String differs(All other) {
            for (int i = 0; i < messages.size(); i++) {
                ReadMessage mine = messages.get(i);
                if (i >= other.messages.size()) {
                    return other.failed() ? "" : "message " + i + " is not there";
                }
                ReadMessage theirs = other.messages.get(i);
                boolean cut = mine.status() == 101 || (failed() && i == messages.size() - 1);
                boolean gaveUp = other.failed() && i == other.messages.size() - 1 && !theirs.done();
                if (!mine.sameHead(theirs) || (!cut && !gaveUp && !mine.equals(theirs))) {
                    return "message " + i + " is\n  " + mine + "\nand\n  " + theirs;
                }
                if (cut || gaveUp) {
                    return ""; // one of them got no further, and says so; or what follows is no HTTP
                }
            }
            boolean waits = !failed()
                    && !closed
                    && (messages.isEmpty() || messages.getLast().done());
            if (waits && other.messages.size() > messages.size()) {
                return "one more message: " + other.messages.get(messages.size());
            }
            return "";
        }
    }

    private boolean sameHead(ReadMessage other) {
        return method.equals(other.method)
                && target.equals(other.target)
                && status == other.status
                && minor == other.minor
                && headers.equals(other.headers);
    }

    static List<String> headers(List<String> byTurns) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i + 1 < byTurns.size(); i += 2) {
            all.add(header(byTurns.get(i), byTurns.get(i + 1)));
        }
        return all;
    }
}
