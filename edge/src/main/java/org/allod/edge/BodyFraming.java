package org.allod.edge;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Finds where a message's body ends as its bytes pass by in pieces of any size. Each instance belongs to one message.
 */
sealed interface BodyFraming {
    /**
     * Returns how many of the readable bytes belong to the body; does not move the reader index.
     *
     * @param data if not null, receives the content without chunk framing
     * @throws HttpParseException if the framing is invalid
     */
    int accept(ByteBuf in, @Nullable ByteBuf data);

    /** Whether the body is complete. */
    boolean done();

    /** Whether only the end of the connection ends the body. */
    default boolean untilClose() {
        return false;
    }

    /** No body, or everything until the connection closes. */
    record Fixed(boolean done) implements BodyFraming {
        static final Fixed NONE = new Fixed(true);
        static final Fixed UNTIL_CLOSE = new Fixed(false);

        @Override
        public int accept(ByteBuf in, @Nullable ByteBuf data) {
            return done ? 0 : in.readableBytes();
        }

        @Override
        public boolean untilClose() {
            return !done;
        }
    }

    /** As many bytes as {@code Content-Length} announces. */
    final class Length implements BodyFraming {
        private long left;

        Length(long length) {
            left = length;
        }

        @Override
        public int accept(ByteBuf in, @Nullable ByteBuf data) {
            int taken = (int) Math.min(left, in.readableBytes());
            left -= taken;
            return taken;
        }

        @Override
        public boolean done() {
            return left == 0;
        }
    }

    /**
     * Chunks, checked byte by byte and forwarded unchanged. As strict as {@link HeaderBlock}, for the same reason: a
     * size is 1 to 15 hexadecimal digits, lines end in CR LF, extensions and trailers are short and hold no control
     * characters, and no trailer changes framing or routing.
     */
    final class Chunked implements BodyFraming {
        /** Maximum bytes of one chunk's extension, and of all trailers together. */
        private static final int MAX_EXTENSION = 256;

        private static final int MAX_TRAILERS = 8 << 10;

        private enum At {
            SIZE,
            EXTENSION,
            SIZE_LF,
            DATA,
            DATA_CR,
            DATA_LF,
            TRAILER_NAME,
            TRAILER_VALUE,
            TRAILER_LF,
            LAST_LF,
            DONE
        }

        private At at = At.SIZE;
        private long size;
        private int digits;
        private int spent;
        private final byte[] name = new byte[24];
        private int nameLength;

        @Override
        public boolean done() {
            return at == At.DONE;
        }

        @Override
        public int accept(ByteBuf in, @Nullable ByteBuf data) {
            int start = in.readerIndex();
            int end = in.writerIndex();
            int pos = start;
            while (pos < end && at != At.DONE) {
                if (at == At.DATA) {
                    int taken = (int) Math.min(size, end - pos);
                    if (data != null) {
                        data.writeBytes(in, pos, taken);
                    }
                    size -= taken;
                    pos += taken;
                    if (size == 0) {
                        at = At.DATA_CR;
                    }
                } else {
                    at = next(in.getByte(pos++));
                }
            }
            return pos - start;
        }

        private At next(byte b) {
            return switch (at) {
                case SIZE -> size(b);
                case EXTENSION -> extension(b);
                case SIZE_LF -> sizeEnd(b);
                case DATA_CR -> only(b, '\r', At.DATA_LF);
                case DATA_LF -> {
                    digits = 0;
                    spent = 0;
                    yield only(b, '\n', At.SIZE);
                }
                case TRAILER_NAME -> trailerName(b);
                case TRAILER_VALUE -> trailerValue(b);
                case TRAILER_LF -> only(b, '\n', At.TRAILER_NAME);
                case LAST_LF -> only(b, '\n', At.DONE);
                case DATA, DONE -> throw new HttpParseException("a chunk ends twice");
            };
        }

        private At size(byte b) {
            int digit = Character.digit(b, 16);
            if (digit >= 0 && b > 0) {
                if (++digits > 15) {
                    throw new HttpParseException("a chunk's size has more than 15 digits");
                }
                size = (size << 4) | digit;
                return At.SIZE;
            }
            if (digits == 0) {
                throw new HttpParseException("a chunk's size is not a hexadecimal number");
            }
            return b == '\r' ? At.SIZE_LF : b == ';' ? At.EXTENSION : bad("a chunk's size is not a hexadecimal number");
        }

        private At extension(byte b) {
            if (b == '\r') {
                return At.SIZE_LF;
            }
            return b >= 0x20 && b != 0x7f && ++spent <= MAX_EXTENSION
                    ? At.EXTENSION
                    : bad("a chunk's extension is too long or holds a control character");
        }

        private At sizeEnd(byte b) {
            only(b, '\n', At.DATA);
            spent = 0;
            return size == 0 ? At.TRAILER_NAME : At.DATA;
        }

        private At trailerName(byte b) {
            if (++spent > MAX_TRAILERS) {
                return bad("more than 8 KiB of trailers");
            }
            if (b == '\r' && nameLength == 0) {
                return At.LAST_LF;
            }
            if (b == ':' && nameLength > 0) {
                HeaderName field = nameLength > name.length ? HeaderName.OTHER : HeaderName.of(name, 0, nameLength);
                nameLength = 0;
                return field == HeaderName.OTHER ? At.TRAILER_VALUE : bad("a trailer that belongs into the head");
            }
            if (!HeaderBlock.token(b)) {
                return bad("a trailer's name is not a token followed by a colon");
            }
            if (nameLength < name.length) {
                name[nameLength] = b;
            }
            nameLength++;
            return At.TRAILER_NAME;
        }

        private At trailerValue(byte b) {
            if (b == '\r') {
                return At.TRAILER_LF;
            }
            return ++spent <= MAX_TRAILERS && HeaderBlock.inValue(b)
                    ? At.TRAILER_VALUE
                    : bad("trailers are too long or hold a control character");
        }

        private static At only(byte b, char wanted, At then) {
            return b == wanted ? then : bad("a chunk does not end in CR LF where its size says");
        }

        private static At bad(String why) {
            throw new HttpParseException(why);
        }
    }
}
