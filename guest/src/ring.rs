//! What the main process wrote, kept until the host has it. A position counts every byte ever written, on both streams
//! together, so after a lost connection both sides can say exactly where to go on.

use std::collections::VecDeque;

pub struct Ring {
    limit: usize,
    chunks: VecDeque<Chunk>,
    held: usize,
    end: u64,
}

struct Chunk {
    at: u64,
    stream: u8,
    bytes: Vec<u8>,
}

/// What follows a position.
#[derive(Debug, PartialEq)]
pub enum Next<'a> {
    Nothing,
    /// So many bytes from that position on were dropped because nobody took them in time.
    Lost(u64),
    Bytes(u8, &'a [u8]),
}

impl Ring {
    pub fn new(limit: usize) -> Ring {
        Ring { limit, chunks: VecDeque::new(), held: 0, end: 0 }
    }

    pub fn push(&mut self, stream: u8, bytes: &[u8]) {
        self.chunks.push_back(Chunk { at: self.end, stream, bytes: bytes.to_vec() });
        self.end += bytes.len() as u64;
        // Small writes cost more than their bytes; counting them so keeps a drip of single bytes bounded too.
        self.held += bytes.len() + COST;
        while self.held > self.limit {
            self.drop_oldest();
        }
    }

    /// The host has everything before `position`.
    pub fn forget_before(&mut self, position: u64) {
        while self.chunks.front().map_or(false, |c| c.at + c.bytes.len() as u64 <= position) {
            self.drop_oldest();
        }
    }

    pub fn start(&self) -> u64 {
        self.chunks.front().map_or(self.end, |c| c.at)
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn next(&self, position: u64, at_most: usize) -> Next<'_> {
        if position >= self.end {
            return Next::Nothing;
        }
        if position < self.start() {
            return Next::Lost(self.start() - position);
        }
        let after = self.chunks.partition_point(|c| c.at <= position);
        let chunk = &self.chunks[after - 1];
        let rest = &chunk.bytes[(position - chunk.at) as usize..];
        Next::Bytes(chunk.stream, &rest[..rest.len().min(at_most)])
    }

    fn drop_oldest(&mut self) {
        if let Some(chunk) = self.chunks.pop_front() {
            self.held -= chunk.bytes.len() + COST;
        }
    }
}

const COST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_order_with_their_stream() {
        let mut ring = Ring::new(4096);
        ring.push(1, b"abc");
        ring.push(2, b"de");
        assert_eq!(ring.next(0, 2), Next::Bytes(1, b"ab"));
        assert_eq!(ring.next(2, 9), Next::Bytes(1, b"c"));
        assert_eq!(ring.next(3, 9), Next::Bytes(2, b"de"));
        assert_eq!(ring.next(5, 9), Next::Nothing);
    }

    #[test]
    fn overflow_drops_the_oldest_and_says_how_much() {
        let mut ring = Ring::new(300);
        for _ in 0..10 {
            ring.push(1, &[7; 36]);
        }
        assert_eq!(ring.next(0, 9), Next::Lost(360 - 108));
        assert_eq!(ring.next(252, 99), Next::Bytes(1, &[7; 36][..]));
    }

    #[test]
    fn forgotten_bytes_make_room_but_not_half_a_chunk() {
        let mut ring = Ring::new(4096);
        ring.push(1, b"abc");
        ring.push(1, b"def");
        ring.forget_before(4);
        assert_eq!(ring.start(), 3);
        assert_eq!(ring.next(4, 9), Next::Bytes(1, b"ef"));
    }
}
