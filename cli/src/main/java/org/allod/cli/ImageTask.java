package org.allod.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.allod.base.FailedException;

/** Long-running image work: shows its progress and returns the image. */
final class ImageTask {
    private ImageTask() {}

    static Json run(CommandContext context, String target, Json request) {
        return run(context, context.daemon(), target, request);
    }

    static Json run(CommandContext context, DaemonClient daemon, String target, Json request) {
        List<Json> ready = new ArrayList<>();
        daemon.stream("POST", target, request, line -> {
            if (!line.at("error").isNull()) {
                throw new ApiError((int) line.at("http").number(500), line);
            }
            if (!line.at("image").isNull()) {
                ready.add(line.at("image"));
                return;
            }
            context.console()
                    .progress(line.at("phase").text() + " " + line.at("detail").text(), amount(line));
        });
        context.console().settle();
        if (ready.isEmpty()) {
            throw new FailedException(
                    "the daemon ended its answer before the image was ready; `allod image list` shows whether"
                            + " it is there now, and trying again goes on where it stopped");
        }
        return ready.getLast();
    }

    private static String amount(Json line) {
        long done = line.at("done").number(0);
        long total = line.at("total").number(0);
        if (total <= 0) {
            return done <= 0 ? "" : size(done);
        }
        return total < 10_000 ? done + "/" + total : size(done) + " of " + size(total);
    }

    /** {@code 512 B}, {@code 12.3 MB}: decimal, as disks and networks are sold. */
    static String size(long bytes) {
        if (bytes < 1_000) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        while (value >= 999.95 && unit < 4) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %cB", value, "kMGTP".charAt(unit));
    }
}
