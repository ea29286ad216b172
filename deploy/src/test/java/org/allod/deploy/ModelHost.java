package org.allod.deploy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model of machines for the reducer's and the run type's tests: it outlives the simulated daemon. What real machines
 * do is tested by the host room with real guests.
 */
final class ModelHost implements DeployOperations {
    /** A machine as the model knows it. */
    static final class Model {
        final String name;
        final String group;
        String version;
        boolean runs;
        boolean healthy;
        boolean failed;
        boolean cordoned;

        Model(String name, String group, String version, boolean runs) {
            this.name = name;
            this.group = group;
            this.version = version;
            this.runs = runs;
            this.healthy = runs;
        }

        boolean serves() {
            return runs && healthy && !cordoned;
        }

        @Override
        public String toString() {
            return name + "@" + version + (runs ? " runs" : "") + (healthy ? " healthy" : "")
                    + (cordoned ? " apart" : "");
        }
    }

    static final String OLD = "old";

    /** By id; the id is the name here. */
    final Map<String, Model> machines = new TreeMap<>();

    final Map<String, Integer> calls = new HashMap<>();

    void machine(String name, String group, boolean runs) {
        machines.put(name, new Model(name, group, OLD, runs));
    }

    static Plan plan(Strategy strategy, int window, Plan.Group... groups) {
        return new Plan(strategy, window, java.time.Duration.ofSeconds(1), List.of(groups), Optional.empty(), false);
    }

    static Plan.Group group(String name, Integer count) {
        return new Plan.Group(
                name, Optional.ofNullable(count), (ObjectNode) new JsonMapper().readTree("{\"image\":\"web\"}"));
    }

    @Override
    public String pin(Deploy deploy, String image) {
        return image + "@sha256:" + "ab".repeat(32);
    }

    @Override
    public void release(Deploy deploy) {
        throw new AssertionError("no plan of these tests has one");
    }

    @Override
    public void destroyReleaseMachine(Deploy deploy, boolean all) {
        throw new AssertionError("no plan of these tests has one");
    }

    @Override
    public List<ObservedMachine> survey(String app) {
        List<ObservedMachine> seen = new ArrayList<>();
        machines.forEach(
                (id, m) -> seen.add(new ObservedMachine(id, m.name, m.group, m.version, m.runs, m.failed, m.cordoned)));
        return seen;
    }

    @Override
    public Optional<String> findDrift(Deploy deploy, DeployState end) {
        return end.slots().stream()
                .filter(s -> s.phase() == SlotPhase.SERVING)
                .filter(s -> machines.containsKey(s.name())
                        && !machines.get(s.name()).version.equals(deploy.id()))
                .findFirst()
                .map(s -> s.name() + " was changed by somebody else");
    }

    @Override
    public String perform(Deploy deploy, Slot slot, DeployEffect effect) {
        return perform(deploy.id(), slot, effect);
    }

    String perform(String version, Slot slot, DeployEffect effect) {
        calls.merge(slot.name(), 1, Integer::sum);
        Model m = machines.get(slot.name());
        if (m == null) {
            switch (effect) {
                case DeployEffect.Change change
                when slot.role().made() -> {
                    m = new Model(slot.name(), slot.group(), version, false);
                    m.cordoned = change.apart();
                    m.runs = true;
                    machines.put(slot.name(), m);
                    return slot.name();
                }
                case DeployEffect.Remove _ -> {
                    return "";
                }
                default -> throw new DeployOperations.MachineGone(slot.name());
            }
        }
        switch (effect) {
            case DeployEffect.Change change -> {
                if (!m.version.equals(version)) {
                    m.version = version;
                    m.healthy = false;
                    m.runs = change.launch();
                }
            }
            case DeployEffect.Prove _ -> m.healthy = true;
            case DeployEffect.Rest _ -> {
                m.runs = false;
                m.healthy = false;
            }
            case DeployEffect.Open _ -> m.cordoned = false;
            case DeployEffect.Close _ -> m.cordoned = true;
            case DeployEffect.Remove _ -> machines.remove(slot.name());
            case DeployEffect.Restore _ -> {
                m.version = slot.before();
                m.runs = slot.ran();
                m.healthy = slot.ran();
                m.cordoned = slot.cordoned();
            }
        }
        return slot.name();
    }
}
