//! `allod-guest files FD:MODE:PATH... -- COMMAND...`: opens each PATH as descriptor FD and becomes COMMAND. MODE is `r`,
//! `rw`, `once`: read, and gone from its folder as soon as it is open, or `bind`: a new Unix socket of that name, for COMMAND
//! to listen on. The host runs it as root, so that a virtual machine monitor without rights gets the disks, keys and
//! sockets it is to have, however many, and no name to find others by.

use std::os::raw::c_int;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::sys;

extern "C" {
    fn dup2(from: c_int, to: c_int) -> c_int;
}

/// Only returns where something went wrong.
pub fn run(arguments: &[String]) -> String {
    let split = arguments.iter().position(|a| a == "--").unwrap_or(arguments.len());
    let (files, command) = (&arguments[..split], arguments.get(split + 1..).unwrap_or(&[]));
    if command.is_empty() {
        return "usage: allod-guest files FD:MODE:PATH... -- COMMAND...".to_string();
    }
    for file in files {
        if let Err(why) = open(file) {
            return format!("cannot open {}: {}", file, why);
        }
    }
    format!("cannot run {}: {}", command[0], Command::new(&command[0]).args(&command[1..]).exec())
}

fn open(file: &str) -> Result<(), String> {
    let parts: Vec<&str> = file.splitn(3, ':').collect();
    let (fd, mode, path) = match parts.as_slice() {
        [fd, mode, path] => (fd, *mode, *path),
        _ => return Err("not FD:MODE:PATH".to_string()),
    };
    let wanted: i32 = fd.parse().map_err(|_| format!("{} is not a descriptor's number", fd))?;
    let opened = match mode {
        "bind" => sys::bound_socket(path),
        "rw" => sys::open_fd(path, sys::O_RDWR),
        _ => sys::open_fd(path, 0),
    }
    .map_err(|e| e.to_string())?;
    if mode == "once" {
        std::fs::remove_file(path).map_err(|e| e.to_string())?;
    }
    if opened != wanted {
        // `dup2` leaves the new one open across exec, which is the point.
        if unsafe { dup2(opened, wanted) } < 0 {
            return Err(std::io::Error::last_os_error().to_string());
        }
        sys::close_fd(opened);
    }
    sys::keep_on_exec(wanted).map_err(|e| e.to_string())
}
