package org.allod.machine;

import java.nio.charset.StandardCharsets;
import org.allod.image.Image;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** An image's names and its configuration, in the form in which the API shows them. */
final class ImageNames {
    private ImageNames() {}

    static Machine.ImageRef of(Image image) {
        String name = image.reference();
        int at = name.indexOf('@');
        if (at >= 0) {
            name = name.substring(0, at);
        }
        int slash = name.indexOf('/');
        String first = slash < 0 ? "" : name.substring(0, slash);
        boolean registry = first.contains(".") || first.contains(":") || first.equals("localhost");
        String rest = registry ? name.substring(slash + 1) : name;
        int colon = rest.lastIndexOf(':');
        return new Machine.ImageRef(
                registry ? first : "local",
                colon < 0 ? rest : rest.substring(0, colon),
                colon < 0 ? "latest" : rest.substring(colon + 1),
                image.digest());
    }

    /** The parts of the image's OCI configuration that say how it runs, as a document of that form. */
    static byte[] document(Image image) {
        Image.Config of = image.config();
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        ObjectNode config = document.putObject("config");
        config.put("User", of.user()).put("WorkingDir", of.workingDir()).put("StopSignal", of.stopSignal());
        of.entrypoint().forEach(config.withArray("Entrypoint")::add);
        of.cmd().forEach(config.withArray("Cmd")::add);
        of.env().forEach(config.withArray("Env")::add);
        of.exposedPorts().forEach(port -> config.withObject("ExposedPorts").putObject(port + "/tcp"));
        of.labels().forEach(label -> {
            int eq = label.indexOf('=');
            config.withObject("Labels").put(label.substring(0, Math.max(eq, 0)), label.substring(eq + 1));
        });
        return document.toString().getBytes(StandardCharsets.UTF_8);
    }
}
