//! The frames of the guest channel, as docs/guest-channel.md has them. The host's half is in Java
//! (`runtime/.../GuestFrame.java`, `HostFrame.java`); a test there compares the constants below with its own.

pub const VERSION: u8 = 1;
pub const HEADER: usize = 8;
pub const MAX_PAYLOAD: usize = 65536;
pub const MAGIC: [u8; 8] = *b"\xa1ALLOD\r\n";
/// What either side may send on one stream of a command before it is granted more.
pub const STREAM_WINDOW: usize = 262144;
/// What a frame of a command's output takes of its window besides its bytes.
pub const FRAME_COST: usize = 64;
/// How far the output of the main process may run ahead of the host's acknowledgement.
pub const OUTPUT_WINDOW: u64 = 262144;
/// What is kept of the main process's output while nobody takes it.
pub const RING: usize = 1048576;

// Host to guest.
pub const HELLO: u8 = 0x01;
pub const CONFIG: u8 = 0x02;
pub const START: u8 = 0x03;
pub const EXEC: u8 = 0x04;
pub const INPUT: u8 = 0x05;
pub const INPUT_END: u8 = 0x06;
pub const RESIZE: u8 = 0x07;
pub const SIGNAL: u8 = 0x08;
pub const CREDIT: u8 = 0x09;
pub const ACK: u8 = 0x0a;
pub const CLOSE: u8 = 0x0b;
pub const EXIT_TAKEN: u8 = 0x0c;
pub const PING: u8 = 0x0d;
pub const RELEASE: u8 = 0x0e;
pub const VOLUME: u8 = 0x11;

// Guest to host.
pub const WELCOME: u8 = 0x81;
pub const STARTED: u8 = 0x82;
pub const OUTPUT: u8 = 0x83;
pub const LOST: u8 = 0x84;
pub const DATA: u8 = 0x85;
pub const DATA_END: u8 = 0x86;
pub const GRANT: u8 = 0x87;
pub const EXITED: u8 = 0x88;
pub const PONG: u8 = 0x89;
pub const RELEASED: u8 = 0x8a;
pub const FAULT: u8 = 0x8b;
pub const VOLUME_STATE: u8 = 0x8e;

const HELLO_SIZE: usize = 72;

/// A frame to be sent: `Out::new(PONG).u64(7).bytes()`.
pub struct Out(Vec<u8>);

impl Out {
    pub fn new(kind: u8) -> Out {
        Out(vec![VERSION, kind, 0, 0, 0, 0, 0, 0])
    }

    pub fn u8(self, value: u8) -> Out {
        self.raw(&[value])
    }

    pub fn u32(self, value: u32) -> Out {
        self.raw(&value.to_be_bytes())
    }

    pub fn u64(self, value: u64) -> Out {
        self.raw(&value.to_be_bytes())
    }

    pub fn raw(mut self, bytes: &[u8]) -> Out {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn bytes(mut self) -> Vec<u8> {
        let length = (self.0.len() - HEADER) as u32;
        self.0[4..HEADER].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

/// What the front of a buffer holds.
#[derive(Debug, PartialEq)]
pub enum Head {
    /// Not a whole frame yet.
    Partial,
    /// A whole frame: its kind, and the bytes it takes with its header.
    Whole(u8, usize),
    /// No frame of ours; the stream cannot be trusted from here on.
    Broken(String),
}

/// Looks at the front of `buffer`, and takes nothing.
pub fn head(buffer: &[u8]) -> Head {
    if buffer.len() < HEADER {
        return Head::Partial;
    }
    if buffer[0] != VERSION {
        return Head::Broken(format!("frame of version {}, not {}", buffer[0], VERSION));
    }
    let length = u32::from_be_bytes([buffer[4], buffer[5], buffer[6], buffer[7]]) as usize;
    if buffer[2] != 0 || buffer[3] != 0 || length > MAX_PAYLOAD {
        return Head::Broken(format!("frame 0x{:02x} of {} bytes", buffer[1], length));
    }
    if buffer.len() < HEADER + length {
        return Head::Partial;
    }
    Head::Whole(buffer[1], HEADER + length)
}

/// How many bytes at the front of `buffer` are certainly not the start of a greeting. A serial port may still carry
/// the tail of what an earlier daemon sent, so everything up to the greeting is skipped.
pub fn noise(buffer: &[u8]) -> usize {
    let mut sign = vec![VERSION, HELLO, 0, 0];
    sign.extend_from_slice(&(HELLO_SIZE as u32).to_be_bytes());
    sign.extend_from_slice(&MAGIC);
    (0..buffer.len())
        .find(|&at| sign.starts_with(&buffer[at..buffer.len().min(at + sign.len())]))
        .unwrap_or(buffer.len())
}

/// Reads a payload front to back. Running out of bytes is an error, never a panic.
pub struct Payload<'a>(pub &'a [u8]);

impl<'a> Payload<'a> {
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        if count > self.0.len() {
            return Err(format!("{} bytes wanted, {} there", count, self.0.len()));
        }
        let (front, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, String> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn seed(&mut self) -> Result<[u8; 32], String> {
        self.array()
    }

    pub fn blob(&mut self) -> Result<&'a [u8], String> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    pub fn text(&mut self) -> Result<String, String> {
        String::from_utf8(self.blob()?.to_vec()).map_err(|_| "text that is not UTF-8".to_string())
    }

    pub fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let count = self.u32()?;
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_written_is_read_back() {
        let frame = Out::new(PONG).u64(7).bytes();
        assert_eq!(head(&frame), Head::Whole(PONG, HEADER + 8));
        assert_eq!(Payload(&frame[HEADER..]).u64(), Ok(7));
    }

    #[test]
    fn every_cut_of_a_frame_is_partial() {
        let frame = Out::new(DATA).u32(1).u8(2).raw(b"hello").bytes();
        for cut in 0..frame.len() {
            assert_eq!(head(&frame[..cut]), Head::Partial, "cut at {}", cut);
        }
    }

    #[test]
    fn garbage_is_broken_never_a_panic() {
        let mut state = 42u64;
        for _ in 0..100_000 {
            let mut bytes = [0u8; 24];
            for b in bytes.iter_mut() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                *b = (state >> 56) as u8;
            }
            if let Head::Whole(_, size) = head(&bytes) {
                assert!(size <= bytes.len());
            }
            let mut payload = Payload(&bytes);
            let _ = payload.text();
            let _ = payload.list(|p| p.text());
        }
    }

    #[test]
    fn too_long_is_broken() {
        let mut frame = Out::new(INPUT).bytes();
        frame[4..8].copy_from_slice(&(MAX_PAYLOAD as u32 + 1).to_be_bytes());
        assert!(matches!(head(&frame), Head::Broken(_)));
    }

    #[test]
    fn noise_before_a_greeting_is_skipped() {
        let hello = Out::new(HELLO).raw(&MAGIC).raw(&[0; HELLO_SIZE - 8]).bytes();
        let mut stream = vec![1, 1, 0, 0, 9, 1, 1];
        let skip = stream.len();
        stream.extend_from_slice(&hello);
        assert_eq!(noise(&stream), skip);
        assert_eq!(noise(&stream[..skip + 3]), skip);
        assert_eq!(noise(b"xyz"), 3);
    }
}
