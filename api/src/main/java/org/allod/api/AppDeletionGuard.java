package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import org.allod.machine.Machines;

/**
 * Has what is made in an app (a secret, a token, a certificate, an address) and the app's deletion go one after the
 * other. Machines, volumes and deploys see to it themselves: a create may take a minute, an exec an hour, and a deploy
 * waits for the end of the one before. A certificate's check asks the DNS, which may take its time, and changes nothing.
 */
public final class AppDeletionGuard {
    private static final String APP = "/v1/apps/{app_name}/";

    private AppDeletionGuard() {}

    /** The same endpoints; those that change what an app has run only while the app exists. */
    public static List<Endpoint> guarded(List<Endpoint> all, Machines machines) {
        return all.stream().map(e -> changesApp(e) ? guarded(e, machines) : e).toList();
    }

    private static boolean changesApp(Endpoint e) {
        return e.template().startsWith(APP)
                && !e.template().startsWith(APP + "machines")
                && !e.template().startsWith(APP + "volumes")
                && !e.template().startsWith(APP + "deploys")
                && !e.template().endsWith("/check")
                && !e.method().equals(HttpMethod.GET);
    }

    private static Endpoint guarded(Endpoint e, Machines machines) {
        return new Endpoint(
                e.method(),
                e.template(),
                e.operation(),
                e.summary(),
                e.query(),
                e.access(),
                request -> machines.within(
                        request.parameter("app_name"), () -> e.handler().handle(request)));
    }
}
