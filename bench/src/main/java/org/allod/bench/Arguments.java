package org.allod.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Options of the form {@code --name value} and the flag {@code --json}. */
final class Arguments {
    private final Map<String, String> values = new LinkedHashMap<>();

    /** @throws IllegalArgumentException IllegalArgumentException naming the argument that is not understood */
    Arguments(List<String> args, Map<String, String> defaults) {
        values.putAll(defaults);
        List<String> rest = new ArrayList<>(args);
        while (!rest.isEmpty()) {
            String option = rest.removeFirst();
            String name = option.startsWith("--") ? option.substring(2) : "";
            if (name.equals("json")) {
                values.put(name, "true");
            } else if (defaults.containsKey(name) && !rest.isEmpty()) {
                values.put(name, rest.removeFirst());
            } else {
                throw new IllegalArgumentException("unknown or incomplete option '" + option + "'; there are --json, "
                        + String.join(
                                ", ",
                                defaults.keySet().stream().map(n -> "--" + n).toList()));
            }
        }
    }

    String text(String name) {
        return values.getOrDefault(name, "");
    }

    int number(String name) {
        try {
            return Integer.parseInt(text(name));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("--" + name + " " + text(name) + ": not a number", e);
        }
    }

    List<Integer> numbers(String name) {
        List<Integer> result = new ArrayList<>();
        for (String part : List.of(text(name).split(",", -1))) {
            try {
                result.add(Integer.parseInt(part));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("--" + name + " " + text(name) + ": not numbers with commas", e);
            }
        }
        return result;
    }

    boolean json() {
        return values.containsKey("json");
    }
}
