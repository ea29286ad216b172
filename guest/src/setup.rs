//! Making the guest what its configuration says: name, addresses, files.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::io::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::config::{Config, File};
use crate::{boot, net, sys, volume};

/// The bits of a mode that say what sort of file it is, and what they are for a symbolic link (stat(2)).
const KIND: u32 = 0o170000;
const LINK: u32 = 0o120000;

pub fn apply(config: &Config) -> Result<(), String> {
    if !config.hostname.is_empty() {
        sys::set_hostname(&config.hostname).map_err(|e| format!("cannot set the host name: {}", e))?;
    }
    if config.swap_mb > 0 {
        swap(config.swap_mb).map_err(|e| format!("cannot make {} MB of swap: {}", config.swap_mb, e))?;
    }
    for interface in &config.interfaces {
        net::configure(interface)?;
    }
    // Before the files: one may lie in a volume.
    for volume in &config.volumes {
        volume::mount(volume)?;
    }
    fill(config, &config.files, &config.command.cwd)?;
    for unit in &config.units {
        if unit.root.is_empty() {
            folder(&unit.command.cwd)?;
            continue;
        }
        if !unit.disk.is_empty() {
            let mounted = boot::mount_root(&unit.disk, &unit.name, &unit.root);
            mounted.map_err(|e| format!("container {}: {}", unit.name, e))?;
        }
        for volume in config.volumes.iter().filter(|_| !unit.disk.is_empty()) {
            let shared = boot::share(&volume.path, &format!("{}{}", unit.root, volume.path));
            shared.map_err(|e| format!("container {}: {}", unit.name, e))?;
        }
        inside(&unit.root, || fill(config, &unit.files, &unit.command.cwd))
            .map_err(|e| format!("container {}: {}", unit.name, e))?;
    }
    Ok(())
}

/// What a root needs before anything runs in it.
fn fill(config: &Config, files: &[File], cwd: &str) -> Result<(), String> {
    lines("/etc/resolv.conf", &config.resolv)?;
    lines("/etc/hosts", &config.hosts)?;
    for file in files {
        write(file)?;
    }
    folder(cwd)
}

fn folder(cwd: &str) -> Result<(), String> {
    if cwd.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(cwd).map_err(|e| format!("cannot make the working folder {}: {}", cwd, e))
}

/// Does `work` in another root, from a child: only there do an image's links lead where it means them to.
fn inside(root: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let (mut ours, mut theirs) = UnixStream::pair().map_err(|e| e.to_string())?;
    let child = sys::fork(move || match sys::enter_root(root, "/").map_err(|e| e.to_string()).and_then(|()| work()) {
        Ok(()) => 0,
        Err(why) => {
            let _ = theirs.write_all(why.as_bytes());
            1
        }
    });
    // Our copy of their end is gone with the closure; what they say ends with them.
    let pid = child.map_err(|e| format!("cannot enter {}: {}", root, e))?;
    let mut said = String::new();
    let _ = ours.read_to_string(&mut said);
    match sys::wait_child(pid) {
        0 => Ok(()),
        _ => Err(if said.is_empty() { format!("cannot enter {}", root) } else { said }),
    }
}

/// A file on the disk, with the header that `mkswap` would write (include/linux/swap.h: version 1, one page).
fn swap(megabytes: u32) -> std::io::Result<()> {
    const PAGE: usize = 4096;
    let missing = || std::io::Error::new(std::io::ErrorKind::Other, "this guest has no disk of its own");
    let path = boot::beside("swap").ok_or_else(missing)?;
    let _ = fs::remove_file(&path);
    let mut open = fs::OpenOptions::new();
    let mut file = open.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    let bytes = u64::from(megabytes) << 20;
    sys::allocate(file.as_raw_fd(), bytes)?;
    let mut header = [0u8; PAGE];
    header[1024..1028].copy_from_slice(&1u32.to_ne_bytes());
    header[1028..1032].copy_from_slice(&((bytes / PAGE as u64 - 1) as u32).to_ne_bytes());
    header[PAGE - 10..].copy_from_slice(b"SWAPSPACE2");
    file.write_all(&header)?;
    file.sync_all()?;
    sys::swap_on(&path)
}

fn lines(path: &str, lines: &[String]) -> Result<(), String> {
    if lines.is_empty() {
        return Ok(());
    }
    let content = (lines.join("\n") + "\n").into_bytes();
    // An image may hold a link here that leads nowhere (to a resolver that is not running): ours takes its place.
    let _ = fs::remove_file(path);
    write(&File { path: path.to_string(), mode: 0o644, content })
}

fn write(file: &File) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("cannot write {}: {}", file.path, e);
    if let Some(folder) = Path::new(&file.path).parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    if file.mode & KIND == LINK {
        // Its target is in memory, so that what it holds is on no disk. Whatever an earlier boot left makes way.
        let target = std::ffi::OsStr::from_bytes(&file.content);
        let _ = fs::remove_file(&file.path);
        return std::os::unix::fs::symlink(target, &file.path).map_err(wrong);
    }
    // Made private first: a secret must not be readable between its making and its `chmod`.
    let mut open = fs::OpenOptions::new();
    let mut out = open.write(true).create(true).truncate(true).mode(0o600).open(&file.path).map_err(wrong)?;
    out.write_all(&file.content).map_err(wrong)?;
    out.set_permissions(fs::Permissions::from_mode(file.mode)).map_err(wrong)
}
