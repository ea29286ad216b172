//! `allod-guest tap NAME FD COMMAND...`: opens the network device NAME as descriptor FD and becomes COMMAND. The host
//! runs it as root inside a machine's network namespace, so that the virtual machine monitor itself can start without
//! any right to open `/dev/net/tun`, which many systems give to root alone.

use std::os::raw::c_int;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::sys;

extern "C" {
    fn dup2(from: c_int, to: c_int) -> c_int;
}

const TUNSETIFF: u64 = 0x4004_54ca;
const IFF_TAP: u16 = 2;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

#[repr(C, align(8))]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// Only returns where something went wrong.
pub fn run(arguments: &[String]) -> String {
    let (name, fd, command) = match arguments {
        [name, fd, command @ ..] if !command.is_empty() && name.len() < 16 => (name, fd, command),
        _ => return "usage: allod-guest tap NAME FD COMMAND...".to_string(),
    };
    let wanted: i32 = match fd.parse() {
        Ok(number) => number,
        Err(_) => return format!("{} is not a descriptor's number", fd),
    };
    let opened = sys::open_fd("/dev/net/tun", sys::O_RDWR).and_then(|tun| {
        let mut request = Request { name: [0; 16], flags: IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, rest: [0; 22] };
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        sys::control(tun, TUNSETIFF, &mut request)?;
        if tun != wanted {
            // `dup2` leaves the new one open across exec, which is the point.
            if unsafe { dup2(tun, wanted) } < 0 {
                return Err(std::io::Error::last_os_error());
            }
            sys::close_fd(tun);
        }
        sys::keep_on_exec(wanted)
    });
    match opened {
        Ok(()) => {
            format!("cannot run {}: {}", command[0], Command::new(&command[0]).args(&command[1..]).exec())
        }
        Err(e) => format!("cannot open the network device {}: {}", name, e),
    }
}
