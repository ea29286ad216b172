package org.allod.api;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.machine.App;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.trust.AppTokens;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A token and its rights in the terms of the Machines API, whose tokens are macaroons: an app's token corresponds to
 * one with the caveats "this app only" and "until then". Allod's tokens have no caveats; this is the equivalent form.
 */
final class TokenViews {
    private static final int ALL = 31;
    private static final String LETTERS = "rwcdC";

    private TokenViews() {}

    /** The response for a valid token. */
    static ObjectNode verified(Caller caller, String header) {
        ObjectNode node = MachineViews.JSON.objectNode().put("header", header);
        String id = caller instanceof Caller.OfApp(var token, var _) ? token.id() : "operator";
        ObjectNode nonce = node.putObject("nonce").put("proof", false);
        bytes(nonce.putArray("kid"), "allod");
        bytes(nonce.putArray("rnd"), id);
        ArrayNode caveats = node.putObject("caveats").putArray("caveats");
        if (caller instanceof Caller.OfApp(var token, var _)) {
            ObjectNode apps = caveats.addObject().put("type", "Apps");
            apps.putObject("body").putObject("apps").put(token.app(), ALL);
            if (token.scope() == AppTokens.Scope.KEYS) {
                caveats.addObject()
                        .put("type", "AppFeatureSet")
                        .putObject("body")
                        .put("secretkeys", ALL);
            }
            caveats.addObject()
                    .put("type", "ValidityWindow")
                    .putObject("body")
                    .put("not_before", token.created().getEpochSecond())
                    .put("not_after", token.expires().getEpochSecond());
        }
        node.putArray("permission_token");
        return node;
    }

    private static void bytes(ArrayNode into, String text) {
        for (byte b : text.getBytes(StandardCharsets.US_ASCII)) {
            into.add(b);
        }
    }

    /**
     * A requested permission.
     *
     * @param app the app; empty means across all apps
     * @param machine the machine
     * @param action bits: read, write, create, delete, control
     */
    record Wanted(Optional<App> app, Optional<Machine> machine, int action) {
        static Wanted read(StrictJsonReader in, Machines machines) {
            in.oneOf("org_slug", java.util.List.of("", "personal"));
            Optional<Machine> machine = in.string("machine_id")
                    .filter(m -> !m.isEmpty())
                    .map(text -> MachineId.parse(text)
                            .flatMap(machines::find)
                            .orElseThrow(
                                    () -> RejectedException.invalid("access.machine_id: there is no machine " + text)));
            Optional<String> named = in.string("app_name").filter(a -> !a.isEmpty());
            machine.filter(m -> named.filter(a -> !a.equals(m.app())).isPresent())
                    .ifPresent(m -> {
                        throw RejectedException.invalid(
                                "access.machine_id: machine %s is not in app %s".formatted(m.id(), named.get()));
                    });
            int action = action(in);
            // Allod has no separate right for these parts of a host: the thing that contains them decides.
            for (String part : new String[] {"volume_id", "app_feature", "machine_feature", "source_machine"}) {
                in.string(part);
            }
            in.strings("command");
            for (String absent : new String[] {"org_feature", "mutation", "storage_object"}) {
                in.refuse(absent, "this host has no such resource");
            }
            in.done();
            return new Wanted(named.or(() -> machine.map(Machine::app)).map(machines::app), machine, action);
        }

        /** Letters, as clients send them, or the corresponding bits. */
        private static int action(StrictJsonReader in) {
            JsonNode json = in.json().get("action");
            if (json != null && json.isIntegralNumber()) {
                return in.integer("action", 0, ALL).orElse(0);
            }
            int action = 0;
            for (char letter : in.string("action").orElse("r").toCharArray()) {
                int bit = LETTERS.indexOf(letter);
                if (bit < 0) {
                    throw RejectedException.invalid(
                            "access.action has the letter %s: allowed are r, w, c, d and C".formatted(letter));
                }
                action |= 1 << bit;
            }
            return action;
        }

        /** Throws if this caller may not do it. */
        void check(Caller who) {
            if (!(who instanceof Caller.OfApp(var token, var _))) {
                return;
            }
            boolean deletesApp = machine.isEmpty() && (action & 8) != 0;
            if (app.filter(a -> a.name().equals(token.app())).isEmpty() || deletesApp) {
                throw RejectedException.because(
                        RejectedException.Reason.FORBIDDEN,
                        "token %s may not do that: it is for app %s".formatted(token.id(), token.app())
                                + (deletesApp ? ", and not for deleting it" : ""));
            }
        }

        ObjectNode json() {
            ObjectNode node =
                    MachineViews.JSON.objectNode().put("action", action).put("orgid", 1);
            app.ifPresent(a -> node.put("appid", a.network()));
            machine.ifPresent(m -> node.put("machine", m.id().text()));
            return node;
        }
    }
}
