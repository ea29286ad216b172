//! A hostile program in a guest. Without arguments, in a gVisor sandbox: connects to the host's end of the channel again
//! and again and sends it nonsense. `garbage port HOW`, as root of a microVM, takes the serial port of PID 1 itself and
//! sends `noise` (random bytes) or `frames` (well formed, and lies), or takes it away and is `deaf` (reads nothing).

use std::fs;
use std::io::Write;
use std::os::raw::{c_int, c_long};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::{FromRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

const SYS_PIDFD_OPEN: c_long = 434;
const SYS_PIDFD_GETFD: c_long = 438;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 32
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes.iter_mut() {
            *byte = self.next() as u8;
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["port", "noise"] => noise(stolen()),
        ["port", "frames"] => frames(stolen()),
        ["port", "deaf"] => deaf(),
        _ => connections(),
    }
}

fn connections() {
    let mut noise = Noise(42);
    let mut sent = 0;
    loop {
        if let Ok(mut socket) = UnixStream::connect("/.allod/channel/host.sock") {
            let mut bytes = [0u8; 65536];
            noise.fill(&mut bytes);
            if socket.write(&bytes).is_ok() {
                sent += 1;
                let _ = fs::write("/www/sent", format!("{}\n", sent));
            }
        }
    }
}

/// PID 1 has the port open, and it can be open only once: so we take a copy of its descriptor.
fn stolen() -> fs::File {
    let open = fs::read_dir("/proc/1/fd").expect("the descriptors of PID 1");
    let number = open
        .flatten()
        .find(|e| fs::read_link(e.path()).map_or(false, |p| p.to_string_lossy().starts_with("/dev/vport")))
        .and_then(|e| e.file_name().to_string_lossy().parse::<c_int>().ok())
        .expect("the port among them");
    unsafe {
        let init = syscall(SYS_PIDFD_OPEN, 1 as c_int, 0 as c_int);
        let copy = syscall(SYS_PIDFD_GETFD, init as c_int, number, 0 as c_int);
        assert!(copy >= 0, "no copy: {}", std::io::Error::last_os_error());
        fs::File::from_raw_fd(copy as c_int)
    }
}

/// The port does not wait (PID 1 never does), so what does not fit now is tried again.
fn send(port: &mut fs::File, bytes: &[u8], sent: &mut u64) {
    match port.write(bytes) {
        Ok(count) => *sent += count as u64,
        Err(_) => std::thread::sleep(Duration::from_millis(1)),
    }
}

fn noise(mut port: fs::File) {
    let mut noise = Noise(42);
    let mut bytes = [0u8; 65536];
    noise.fill(&mut bytes);
    let mut sent = 0;
    for round in 0u64.. {
        send(&mut port, &bytes, &mut sent);
        tell(round, sent);
    }
}

/// Frames that are well formed: every type, lengths up to the greatest and beyond, numbers and positions at random.
fn frames(mut port: fs::File) {
    let mut noise = Noise(43);
    let mut sent = 0;
    for round in 0u64.. {
        let length = match round % 4 {
            0 => 0xffff_ffff_u32,
            1 => 65536,
            _ => noise.next() as u32 % 512,
        };
        let mut frame = vec![1, 0x81 + (noise.next() % 16) as u8, 0, 0];
        frame.extend_from_slice(&length.to_be_bytes());
        let mut payload = vec![0; length.min(65536) as usize];
        noise.fill(&mut payload);
        frame.extend_from_slice(&payload);
        send(&mut port, &frame, &mut sent);
        tell(round, sent);
    }
}

/// Takes the device away from its driver and gives it back: the port is a new one, which PID 1 has not open.
fn deaf() {
    let driver = "/sys/bus/virtio/drivers/virtio_console";
    let device = fs::read_dir(driver)
        .expect("the driver")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .find(|name| name.starts_with("virtio"))
        .expect("its device");
    fs::write(format!("{}/unbind", driver), &device).expect("unbound");
    fs::write(format!("{}/bind", driver), &device).expect("bound");
    for _ in 0..500 {
        let names = fs::read_dir("/dev").expect("devices").flatten().map(|e| e.path());
        for path in names.filter(|p| p.to_string_lossy().contains("vport")) {
            if let Ok(port) = fs::OpenOptions::new().read(true).write(true).custom_flags(0o4000).open(path) {
                let _ = port.into_raw_fd();
                fs::write("/sent", "deaf\n").expect("a note");
                std::thread::sleep(Duration::from_secs(1000));
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no port to be deaf at");
}

fn tell(round: u64, sent: u64) {
    if round % 64 == 0 {
        let _ = fs::write("/sent", format!("{}\n", sent));
    }
}
