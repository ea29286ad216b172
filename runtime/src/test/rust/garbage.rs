//! A hostile program in a guest: connects to the host's end of the channel again and again and sends it nonsense.

use std::io::Write;
use std::os::unix::net::UnixStream;

fn main() {
    let mut state = 42u64;
    let mut sent = 0;
    loop {
        if let Ok(mut socket) = UnixStream::connect("/.allod/channel/host.sock") {
            let mut bytes = [0u8; 65536];
            for byte in bytes.iter_mut() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                *byte = (state >> 56) as u8;
            }
            if socket.write(&bytes).is_ok() {
                sent += 1;
                let _ = std::fs::write("/www/sent", format!("{}\n", sent));
            }
        }
    }
}
