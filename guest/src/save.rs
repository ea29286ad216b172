//! `allod-guest save CONTROL UID MOST FILE`: takes the memory of a virtual machine from QEMU and writes it to FILE. QEMU
//! can open nothing by name, so it is given one end of a pipe, as the descriptor `memory`, over its control socket; who
//! answers there must be the user UID. FILE is made once QEMU has its end and the socket is free for the next client; of
//! what comes, at most MOST bytes are written. The host runs this as root and tells QEMU to begin.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::sys;

const PATIENCE: Duration = Duration::from_secs(10);

/// Of everything that QEMU says here.
const LONGEST_TALK: u64 = 1 << 16;

const BUFFER: usize = 1 << 20;

pub fn run(arguments: &[String]) -> Result<(), String> {
    let usage = "usage: allod-guest save CONTROL UID MOST FILE";
    let (control, uid, most, file) = match arguments {
        [control, uid, most, file] => (control, uid, most, file),
        _ => return Err(usage.to_string()),
    };
    let uid: u32 = uid.parse().map_err(|_| usage)?;
    let most: u64 = most.parse().map_err(|_| usage)?;
    let (from, to) = sys::pipe().map_err(|e| format!("cannot make a pipe: {}", e))?;
    sys::widen_pipe(to.as_raw_fd(), BUFFER as i32);
    hand_over(control, uid, &to).map_err(|e| format!("cannot hand QEMU at {} a pipe: {}", control, e))?;
    drop(to);
    write(File::from(from), most, file).map_err(|e| format!("cannot write {}: {}", file, e))
}

fn hand_over(control: &str, uid: u32, pipe: &OwnedFd) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let stream = UnixStream::connect(control).map_err(text)?;
    let peer = sys::peer_uid(stream.as_raw_fd()).map_err(text)?;
    if peer != uid {
        return Err(format!("user {} answers there, not {}", peer, uid));
    }
    stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(text)?;
    let mut lines = BufReader::new(stream.try_clone().map_err(text)?.take(LONGEST_TALK));
    let mut greeting = String::new();
    lines.read_line(&mut greeting).map_err(text)?;
    (&stream).write_all(b"{\"execute\":\"qmp_capabilities\"}\n").map_err(text)?;
    answer(&mut lines)?;
    let line = b"{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"memory\"}}\n";
    sys::send_with_fd(stream.as_raw_fd(), line, pipe.as_raw_fd()).map_err(text)?;
    answer(&mut lines)
}

/// Reads on to what the last command returned; anything before is events.
fn answer(lines: &mut impl BufRead) -> Result<(), String> {
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).map_err(|e| e.to_string())? == 0 {
            return Err("it has gone, or says too much".to_string());
        }
        if line.starts_with("{\"return\"") {
            return Ok(());
        }
        if line.starts_with("{\"error\"") {
            return Err(line.trim().to_string());
        }
    }
}

fn write(mut from: File, most: u64, name: &str) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(name).map_err(text)?;
    let mut buffer = vec![0; BUFFER];
    let mut left = most;
    loop {
        let count = from.read(&mut buffer).map_err(text)?;
        if count == 0 {
            return file.sync_all().map_err(text);
        }
        left = left.checked_sub(count as u64).ok_or(format!("there is more than {} bytes of memory", most))?;
        file.write_all(&buffer[..count]).map_err(text)?;
    }
}
