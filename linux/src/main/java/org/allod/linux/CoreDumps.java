package org.allod.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.allod.base.FailedException;

/** Whether the kernel may write this process's memory to a file. */
public final class CoreDumps {
    /** {@code linux/prctl.h}. */
    private static final int PR_SET_DUMPABLE = 4;

    private CoreDumps() {}

    /**
     * Forbids core dumps of this process (a resource limit of zero does not, if dumps are piped to a program), and lets
     * only root read its memory. Programs that it starts are not affected, since the kernel resets the flag on exec.
     */
    public static void forbid() {
        int result;
        try {
            MethodHandle prctl = Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().findOrThrow("prctl"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG,
                                    ValueLayout.JAVA_LONG),
                            Linker.Option.firstVariadicArg(1));
            result = (int) prctl.invokeExact(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
        } catch (Throwable e) {
            throw new FailedException("cannot forbid core dumps of this process: " + e, e);
        }
        if (result != 0) {
            throw new FailedException(
                    "the kernel refuses to forbid core dumps of this process (prctl PR_SET_DUMPABLE)");
        }
    }
}
