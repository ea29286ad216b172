package org.allod.machine;

import org.allod.image.Image;

/** Takes an image's full name apart, as the API shows it. */
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
}
