package org.allod.machine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;

/** Checks that containers can start in an order that their dependencies allow. Pure. */
final class ContainerOrder {
    private ContainerOrder() {}

    /** Refuses a dependency on an unknown container, on a condition that never holds, and a cycle, naming it. */
    static void check(String path, List<ContainerConfig> containers) {
        Map<String, ContainerConfig> byName = new LinkedHashMap<>();
        containers.forEach(c -> byName.put(c.name(), c));
        for (int i = 0; i < containers.size(); i++) {
            for (ContainerConfig.Dependency d : containers.get(i).dependsOn()) {
                ContainerConfig on = byName.get(d.name());
                String where = "%s[%d].depends_on".formatted(path, i);
                if (on == null) {
                    throw RejectedException.invalid("%s names \"%s\": the machine's containers are %s"
                            .formatted(where, d.name(), String.join(", ", byName.keySet())));
                }
                boolean never = d.condition() == ContainerConfig.Condition.EXITED_SUCCESSFULLY
                        && on.restart().policy() == MachineConfig.Restart.Policy.ALWAYS;
                if (never) {
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID,
                            "%s waits for %s to exit, but it is always restarted".formatted(where, d.name()),
                            "give " + d.name() + " the restart policy no or on-failure");
                }
            }
        }
        cycle(containers).ifPresent(names -> {
            throw RejectedException.invalid(
                    "%s wait for each other in a circle: %s".formatted(path, String.join(" → ", names)));
        });
    }

    /** The names of a cycle, with the first again at the end. */
    static Optional<List<String>> cycle(List<ContainerConfig> containers) {
        Map<String, List<String>> on = new LinkedHashMap<>();
        containers.forEach(c -> on.put(
                c.name(),
                c.dependsOn().stream().map(ContainerConfig.Dependency::name).toList()));
        Map<String, Boolean> done = new LinkedHashMap<>();
        for (String name : on.keySet()) {
            Optional<List<String>> found = walk(name, on, done, new ArrayList<>());
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static Optional<List<String>> walk(
            String name, Map<String, List<String>> on, Map<String, Boolean> done, List<String> way) {
        int before = way.indexOf(name);
        way.add(name);
        if (before >= 0) {
            return Optional.of(List.copyOf(way.subList(before, way.size())));
        }
        if (done.putIfAbsent(name, true) == null) {
            for (String next : on.getOrDefault(name, List.of())) {
                Optional<List<String>> found = walk(next, on, done, way);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        way.removeLast();
        return Optional.empty();
    }
}
