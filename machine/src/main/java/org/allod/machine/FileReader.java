package org.allod.machine;

import java.util.Base64;
import java.util.Optional;
import org.allod.base.Rejected;

/** Reads what is to be written into a guest before it starts. */
final class FileReader {
    private static final int MAX_BYTES = 1 << 20;
    private static final int USUAL_MODE = 0644;

    private FileReader() {}

    static MachineConfig.File file(Fields in) {
        String path = in.string("guest_path")
                .filter(p -> p.startsWith("/") && !p.endsWith("/") && p.indexOf('\0') < 0)
                .orElseThrow(() -> Rejected.invalid(in.path("guest_path")
                        + " must be the absolute path of a file in the guest, such as /etc/app.conf"));
        int mode = in.integer("mode", 0, 07777).filter(m -> m != 0).orElse(USUAL_MODE);
        in.refuse("secret_name", "not supported by this version");
        Optional<String> raw = in.string("raw_value");
        Optional<String> image = in.string("image_config").filter(i -> !i.isEmpty());
        if (raw.isPresent() && image.isPresent()) {
            throw Rejected.invalid(in.path("raw_value") + " and " + in.path("image_config")
                    + " both say what is in the file: say one");
        }
        if (image.isPresent()) {
            return new MachineConfig.File.ImageConfig(path, image.get(), mode);
        }
        byte[] content = raw.map(text -> decode(in.path("raw_value"), text))
                .orElseThrow(() -> Rejected.invalid(in.path("raw_value") + " is missing: the content, in base64"));
        return new MachineConfig.File.Raw(path, content, mode);
    }

    private static byte[] decode(String path, String text) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw Rejected.invalid(path + " is not base64");
        }
        if (bytes.length > MAX_BYTES) {
            throw Rejected.because(
                    Rejected.Reason.TOO_LARGE,
                    "%s is %d bytes: a file may have %d".formatted(path, bytes.length, MAX_BYTES));
        }
        return bytes;
    }
}
