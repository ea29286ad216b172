package org.allod.machine;

import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.RejectedException;

/** Reads {@code config.files}: files that are written into a guest before it starts. */
final class FileConfigReader {
    private static final int MAX_BYTES = 1 << 20;
    private static final int USUAL_MODE = 0644;

    private FileConfigReader() {}

    static MachineConfig.File file(StrictJsonReader in) {
        String path = in.string("guest_path")
                .orElseThrow(() ->
                        RejectedException.invalid(in.path("guest_path") + " is missing: where the file is to be"));
        if (!path.startsWith("/") || path.endsWith("/") || path.indexOf('\0') >= 0) {
            throw RejectedException.invalid(
                    "%s is \"%s\": it must be the absolute path of a file in the guest, such as /etc/app.conf"
                            .formatted(in.path("guest_path"), StrictJsonReader.clip(path)));
        }
        int mode = in.integer("mode", 0, 07777).filter(m -> m != 0).orElse(USUAL_MODE);
        Optional<String> secret = in.string("secret_name").filter(n -> !n.isEmpty());
        Optional<String> raw = in.string("raw_value");
        Optional<String> image = in.string("image_config").filter(i -> !i.isEmpty());
        List<String> said = Stream.of(
                        raw.map(r -> "raw_value"), secret.map(n -> "secret_name"), image.map(i -> "image_config"))
                .flatMap(Optional::stream)
                .toList();
        if (said.size() > 1) {
            throw RejectedException.invalid(
                    in.path(said.get(0)) + " and " + in.path(said.get(1)) + " both say what is in the file: say one");
        }
        if (secret.isPresent()) {
            return new MachineConfig.File.Secret(path, secret.get(), mode);
        }
        if (image.isPresent()) {
            return new MachineConfig.File.ImageConfig(path, image.get(), mode);
        }
        byte[] content = raw.map(text -> decode(in.path("raw_value"), text))
                .orElseThrow(() -> RejectedException.invalid(in.path("raw_value")
                        + " is missing: the content, in base64 (or " + "secret_name: the secret that holds it)"));
        return new MachineConfig.File.Raw(path, content, mode);
    }

    private static byte[] decode(String path, String text) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw RejectedException.invalid(path + " is not base64");
        }
        if (bytes.length > MAX_BYTES) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "%s is %d bytes: a file may have %d".formatted(path, bytes.length, MAX_BYTES));
        }
        return bytes;
    }
}
