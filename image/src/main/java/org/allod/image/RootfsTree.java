package org.allod.image;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.allod.base.RejectedException;
import org.allod.image.TreeNode.Folder;
import org.allod.image.TreeNode.Meta;
import org.allod.image.TreeNode.Slot;
import org.jspecify.annotations.Nullable;

/**
 * The file system of an image, in memory while its layers are applied; only the contents of files are on disk. An
 * archive therefore cannot escape through a path: a name is a key in a map, {@code ..} removes an element of a list,
 * and a symbolic link is resolved from this tree's root, as inside the machine.
 *
 * <p>The rules are those of the image specification (layer.md). A whiteout ({@code .wh.NAME}) or an opaque marker
 * ({@code .wh..wh..opq}) hides what <em>lower</em> layers contain, wherever it stands in the archive; see {@link #put}
 * and {@code hide}. A folder over a folder keeps its children; anything else replaces.
 *
 * <p>For one thread.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/layer.md">OCI image layers</a>
 */
final class RootfsTree {
    private static final String WHITEOUT = ".wh.";
    private static final String OPAQUE = ".wh..wh..opq";

    /** The kernel's limit: more links than this in one path count as a loop. */
    private static final int LINKS = 40;

    private static final int LOOK_ONLY = -1;

    final Folder root = new Folder(Meta.IMPLIED);
    private final ImageLimits limits;
    private final Set<TreeNode> shared = Collections.newSetFromMap(new IdentityHashMap<>());
    private int entries;

    RootfsTree(ImageLimits limits) {
        this.limits = limits;
    }

    /** Whether the file had more than one name at some time. */
    boolean shared(TreeNode node) {
        return shared.contains(node);
    }

    /**
     * Puts {@code node} at {@code path}. A folder over a folder only changes its attributes; a whiteout name hides
     * instead.
     */
    void put(String path, TreeNode node, int layer) {
        List<String> names = names(path);
        if (names.isEmpty()) {
            if (!(node instanceof Folder folder)) {
                throw RejectedException.invalid("the image puts something other than a folder at its root");
            }
            root.meta(folder.meta());
            return;
        }
        Folder parent = folder(names.subList(0, names.size() - 1), layer, path);
        String name = names.getLast();
        if (name.startsWith(WHITEOUT)) {
            hide(parent, name, layer);
            return;
        }
        count();
        Slot there = parent.children.get(name);
        if (node instanceof Folder next && there != null && there.node() instanceof Folder folder) {
            folder.meta(next.meta());
            parent.children.put(name, new Slot(folder, layer));
        } else {
            parent.children.put(name, new Slot(node, layer));
        }
    }

    /** Adds the name {@code path} to the node at {@code target} (a hard link). */
    void link(String path, String target, int layer) {
        List<String> to = names(target);
        Folder of = to.isEmpty() ? null : existing(to.subList(0, to.size() - 1));
        Slot slot = of == null ? null : of.children.get(to.getLast());
        if (slot == null) {
            throw RejectedException.invalid("the image has a hard link " + UntrustedText.printable(path) + " to "
                    + UntrustedText.printable(target) + ", which is not in it");
        }
        if (slot.node() instanceof Folder) {
            throw RejectedException.invalid("the image has a hard link " + UntrustedText.printable(path)
                    + " to the folder " + UntrustedText.printable(target));
        }
        if (slot.node() instanceof TreeNode.File) {
            shared.add(slot.node());
        }
        put(path, slot.node(), layer);
    }

    /** The node at {@code path}; does not follow a link at its end. */
    @Nullable
    TreeNode at(String path) {
        List<String> names = names(path);
        if (names.isEmpty()) {
            return root;
        }
        Folder parent = existing(names.subList(0, names.size() - 1));
        Slot slot = parent == null ? null : parent.children.get(names.getLast());
        return slot == null ? null : slot.node();
    }

    /** Removes {@code path} and everything below it. */
    void remove(String path) {
        List<String> names = names(path);
        Folder parent = names.isEmpty() ? null : existing(names.subList(0, names.size() - 1));
        if (parent != null) {
            parent.children.remove(names.getLast());
        }
    }

    private void hide(Folder parent, String name, int layer) {
        if (name.equals(OPAQUE)) {
            prune(parent, layer);
        } else if (!name.startsWith(WHITEOUT + WHITEOUT)) { // other names of this form belong to a storage driver
            String hidden = name.substring(WHITEOUT.length());
            Slot slot = parent.children.get(hidden);
            if (slot != null && prunable(slot, layer)) {
                parent.children.remove(hidden);
            }
        }
    }

    private static void prune(Folder folder, int layer) {
        folder.children.values().removeIf(slot -> prunable(slot, layer));
    }

    /** Removes what lower layers put below the slot; returns true if nothing of {@code layer} is at or below it. */
    private static boolean prunable(Slot slot, int layer) {
        if (slot.node() instanceof Folder folder) {
            prune(folder, layer);
            return slot.layer() < layer && folder.children.isEmpty();
        }
        return slot.layer() < layer;
    }

    /** The folder at {@code names}, through links; created if missing. */
    private Folder folder(List<String> names, int layer, String whole) {
        Folder found = walk(names, layer, whole);
        if (found == null) {
            throw RejectedException.invalid(
                    "the image puts " + UntrustedText.printable(whole) + " below something that is not a folder");
        }
        return found;
    }

    /** As above, but null if missing. */
    private @Nullable Folder existing(List<String> names) {
        return walk(names, LOOK_ONLY, String.join("/", names));
    }

    private @Nullable Folder walk(List<String> names, int layer, String whole) {
        List<Folder> path = new ArrayList<>();
        path.add(root);
        Deque<String> todo = new ArrayDeque<>(names);
        int links = 0;
        while (!todo.isEmpty()) {
            String name = todo.pop();
            Folder here = path.getLast();
            if (name.equals("..")) {
                if (path.size() > 1) {
                    path.removeLast();
                }
                continue;
            }
            Slot slot = here.children.get(name);
            if (slot == null && layer != LOOK_ONLY) {
                count();
                slot = new Slot(new Folder(Meta.IMPLIED), layer);
                here.children.put(name, slot);
            }
            switch (slot == null ? null : slot.node()) {
                case Folder folder -> path.add(folder);
                case TreeNode.Symlink link -> {
                    if (++links > LINKS) {
                        throw RejectedException.invalid("the image's path " + UntrustedText.printable(whole)
                                + " leads through a loop of links");
                    }
                    if (link.target().startsWith("/")) {
                        path.subList(1, path.size()).clear();
                    }
                    split(link.target()).reversed().forEach(todo::push);
                }
                case TreeNode.File _, TreeNode.Special _ -> {
                    return null;
                }
                case null -> {
                    return null;
                }
            }
            if (path.size() > limits.depth()) {
                throw RejectedException.because(
                        RejectedException.Reason.TOO_LARGE,
                        "the image nests folders deeper than " + limits.depth() + ": "
                                + UntrustedText.printable(whole));
            }
        }
        return path.getLast();
    }

    private void count() {
        if (++entries > limits.entries()) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the image has more than " + limits.entries() + " files and folders",
                    "make a smaller image");
        }
    }

    /**
     * Splits an archive's path into names. It is relative to the root, whatever it starts with; {@code ..} is refused.
     */
    private static List<String> names(String path) {
        if (path.length() > ImageLimits.PATH_BYTES) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the image has a path longer than " + ImageLimits.PATH_BYTES + " bytes: "
                            + UntrustedText.printable(path));
        }
        List<String> names = split(path);
        if (names.contains("..")) {
            throw RejectedException.invalid(
                    "the image has a path that climbs out of it: " + UntrustedText.printable(path));
        }
        return names;
    }

    private static List<String> split(String path) {
        List<String> names = new ArrayList<>();
        for (String name : path.split("/", -1)) {
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (name.length() > ImageLimits.NAME_BYTES || name.indexOf('\0') >= 0) {
                throw RejectedException.invalid(
                        "the image has an impossible file name: " + UntrustedText.printable(name));
            }
            names.add(name);
        }
        return names;
    }

    /** Visits every name in the tree; for tests and the layer writer. */
    void visit(Visitor visitor) {
        visit("", root, visitor);
    }

    private static void visit(String path, Folder folder, Visitor visitor) {
        for (Map.Entry<String, Slot> child : folder.children.entrySet()) {
            String at = path + "/" + child.getKey();
            visitor.at(at, child.getValue().node());
            if (child.getValue().node() instanceof Folder below) {
                visit(at, below, visitor);
            }
        }
    }

    /** Receives each name, a folder before its children, in byte order. */
    interface Visitor {
        void at(String path, TreeNode node);
    }
}
