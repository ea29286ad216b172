package org.allod.api;

import org.allod.trust.AppTokens;

/** The identity of a caller, after authentication. */
public sealed interface Caller {
    /** A process of this host, with the user id that the kernel reports. */
    record Local(int uid) implements Caller {}

    /** A client with the operator's token. */
    record Operator(String address) implements Caller {}

    /** A client with a token of one app. */
    record OfApp(AppTokens.Token token, String address) implements Caller {}

    /** A client that is not authenticated. */
    record Nobody(String address) implements Caller {}

    /** The account that memory and connections are charged to: all tokens of one app share one. */
    default String account() {
        return switch (this) {
            case Local(int uid) -> "uid " + uid;
            case Operator _ -> "operator";
            case OfApp(var token, var _) -> "app " + token.app();
            case Nobody(String address) -> "nobody at " + address;
        };
    }

    /** Whether the caller has only the rights of an app's token. */
    default boolean tenant() {
        return switch (this) {
            case Local _, Operator _ -> false;
            case OfApp _, Nobody _ -> true;
        };
    }

    /** The name for rate limits and logs; never a secret. */
    default String name() {
        return switch (this) {
            case Local(int uid) -> "uid " + uid;
            case Operator(String address) -> address;
            case OfApp(var token, var _) -> "token " + token.id();
            case Nobody(String address) -> "nobody at " + address;
        };
    }
}
