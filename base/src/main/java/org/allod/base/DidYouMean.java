package org.allod.base;

import java.util.Collection;
import java.util.Optional;

/** Suggests the known word that is most similar to a mistyped one. */
public final class DidYouMean {
    /** No known word is near this long, and the work grows with the square of the length. */
    private static final int LONGEST = 64;

    private DidYouMean() {}

    /** The most similar of {@code known}, if it is similar enough for a typing error. */
    public static Optional<String> nearest(String typed, Collection<String> known) {
        if (typed.length() > LONGEST) {
            return Optional.empty();
        }
        String best = "";
        int distance = Math.max(2, typed.length() / 3) + 1;
        for (String word : known) {
            int d = word.startsWith(typed) && typed.length() > 1 ? 1 : distance(typed, word);
            if (d < distance) {
                best = word;
                distance = d;
            }
        }
        return best.isEmpty() ? Optional.empty() : Optional.of(best);
    }

    /** The edit distance of two words, where two swapped letters count as one edit (optimal string alignment). */
    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(d[i - 1][j - 1] + change, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
