package org.allod.machine;

import java.time.Instant;
import java.time.LocalDate;

/** A fast parser for what {@link Instant#toString} writes; anything else goes to the JDK's general one. */
final class InstantParser {
    /** Where the seconds end in {@code 2026-01-31T12:00:00Z}; a fraction may follow before the {@code Z}. */
    private static final int SECONDS_END = 19;

    private static final int MAX_FRACTION = 9;

    /** The last day of each month, from index 1; the 29th of February is left to the JDK. */
    private static final int[] LAST_DAYS = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    private InstantParser() {}

    /** @throws java.time.format.DateTimeParseException if the text is no instant */
    static Instant parse(String text) {
        int digits = text.length() - SECONDS_END - 2;
        boolean usual = text.length() > SECONDS_END
                && text.charAt(text.length() - 1) == 'Z'
                && (text.length() == SECONDS_END + 1
                        || (text.charAt(SECONDS_END) == '.' && digits >= 1 && digits <= MAX_FRACTION))
                && text.charAt(4) == '-'
                && text.charAt(7) == '-'
                && text.charAt(10) == 'T'
                && text.charAt(13) == ':'
                && text.charAt(16) == ':';
        int year = usual ? number(text, 0, 4) : -1;
        int month = usual ? number(text, 5, 7) : -1;
        int day = usual ? number(text, 8, 10) : -1;
        int hour = usual ? number(text, 11, 13) : -1;
        int minute = usual ? number(text, 14, 16) : -1;
        int second = usual ? number(text, 17, 19) : -1;
        int fraction = usual ? fraction(text, digits) : -1;
        // Leave every other form, and every error, to the JDK: it knows leap years and seconds and reports what is
        // wrong.
        if (year < 0
                || month < 1
                || month > 12
                || day < 1
                || day > LAST_DAYS[month]
                || hour < 0
                || hour > 23
                || minute < 0
                || minute > 59
                || second < 0
                || second > 59
                || fraction < 0) {
            return Instant.parse(text);
        }
        long days = LocalDate.of(year, month, day).toEpochDay();
        return Instant.ofEpochSecond(((days * 24 + hour) * 60 + minute) * 60 + second, fraction);
    }

    private static int fraction(String text, int digits) {
        if (digits < 1) {
            return 0;
        }
        int read = number(text, SECONDS_END + 1, SECONDS_END + 1 + digits);
        for (int i = digits; i < MAX_FRACTION && read > 0; i++) {
            read *= 10;
        }
        return read;
    }

    /** The number, or a negative one if there is anything but digits. */
    private static int number(String text, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }
}
