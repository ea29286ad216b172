//! The first second of a microVM: from the initramfs to the machine's own root file system. Everything a kernel finds
//! out about its devices is read from `/sys`; the order in which disks were found means nothing.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{self, MS_BIND, MS_MOVE, MS_NOATIME, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REC};

/// What the host calls the two disks and the channel.
const ROOT: &str = "root";
const DISK: &str = "disk";
const CHANNEL: &str = "org.allod.guest";

/// The folder of the writable disk, which has no name any more once the root is the root.
static UPPER: AtomicI32 = AtomicI32::new(-1);

/// A path into the writable disk, beside what the machine sees of it; none where there is no such disk.
pub fn beside(name: &str) -> Option<String> {
    let folder = UPPER.load(Ordering::Relaxed);
    (folder >= 0).then(|| format!("/proc/self/fd/{}/{}", folder, name))
}

/// Makes the machine's root the root; returns the device of the channel.
pub fn boot() -> Result<String, String> {
    step("mount /proc", mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""))?;
    step("mount /sys", mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""))?;
    step("mount /dev", mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755"))?;
    load_modules()?;
    let root = disk(ROOT)?;
    let writable = disk(DISK)?;
    step("mount the image", mount(&root, "/lower", "erofs", MS_RDONLY | MS_NODEV, ""))?;
    step("mount the disk", mount(&writable, "/upper", "ext4", MS_NOATIME | MS_NODEV, ""))?;
    for folder in ["/upper/data", "/upper/work"] {
        step(folder, fs::create_dir_all(folder))?;
    }
    UPPER.store(step("open the disk", sys::open_fd("/upper", sys::O_PATH | sys::O_CLOEXEC))?, Ordering::Relaxed);
    let layers = "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work";
    step("mount the root", mount("overlay", "/root", "overlay", MS_NOATIME, layers))?;
    for name in ["proc", "sys", "dev"] {
        let (from, to) = (format!("/{}", name), format!("/root/{}", name));
        step(&to, fs::create_dir_all(&to))?;
        step(&to, sys::mount_fs(&from, &to, "", MS_MOVE, ""))?;
    }
    step("enter the root", std::env::set_current_dir("/root"))?;
    step("enter the root", sys::mount_fs(".", "/", "", MS_MOVE, ""))?;
    step("enter the root", sys::change_root("."))?;
    step("enter the root", std::env::set_current_dir("/"))?;
    let shared = MS_NOSUID | MS_NODEV;
    step(
        "mount /dev/pts",
        mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"),
    )?;
    step("mount /dev/shm", mount("tmpfs", "/dev/shm", "tmpfs", shared, "mode=1777"))?;
    step("mount /run", mount("tmpfs", "/run", "tmpfs", shared, "mode=755"))?;
    step("mount /tmp", fs::create_dir_all("/tmp"))?;
    step("mount /sys/fs/cgroup", mount("cgroup2", "/sys/fs/cgroup", "cgroup2", shared | MS_NOEXEC, ""))?;
    for (link, target) in
        [("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")]
    {
        let _ = std::os::unix::fs::symlink(format!("/proc/{}", target), format!("/dev/{}", link));
    }
    crate::net::configure(&crate::config::Interface {
        name: "lo".to_string(),
        mtu: 0,
        addresses: Vec::new(),
        gateways: Vec::new(),
        gateway_mac: String::new(),
    })?;
    channel()
}

/// Puts the file system of a disk at `root`, under a writable layer of its own, with the machine's devices.
pub fn mount_root(serial: &str, name: &str, root: &str) -> Result<(), String> {
    let image = format!("/.allod/images/{}", serial);
    if !Path::new(&image).exists() {
        step("mount its image", mount(&disk(serial)?, &image, "erofs", MS_RDONLY | MS_NODEV, ""))?;
    }
    let layer = beside(&format!("containers/{}", name)).ok_or("this guest has no disk of its own")?;
    for folder in ["data", "work"] {
        step(folder, fs::create_dir_all(format!("{}/{}", layer, folder)))?;
    }
    let layers = format!("lowerdir={},upperdir={}/data,workdir={}/work", image, layer, layer);
    step("mount its root", mount("overlay", root, "overlay", MS_NOATIME, &layers))?;
    for name in ["/proc", "/sys", "/dev"] {
        let to = format!("{}{}", root, name);
        step(&to, mount(name, &to, "", MS_BIND | MS_REC, ""))?;
    }
    Ok(())
}

/// Shows at `to` what is mounted at `from`.
pub fn share(from: &str, to: &str) -> Result<(), String> {
    step(to, mount(from, to, "", MS_BIND, ""))
}

fn step<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|e| format!("cannot {}: {}", what, e))
}

fn mount(from: &str, to: &str, kind: &str, flags: u64, data: &str) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    sys::mount_fs(from, to, kind, flags, data)
}

/// Loads `/modules/*` in the order of their names, which the host chose so that each finds what it needs.
fn load_modules() -> Result<(), String> {
    let mut paths: Vec<_> =
        step("list /modules", fs::read_dir("/modules"))?.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.to_string_lossy();
        match sys::load_module(&name) {
            // Built in, or loaded already.
            Err(e) if e.raw_os_error() == Some(17) => {}
            other => step(&format!("load {}", name), other)?,
        }
        // The initramfs stays in memory for good; the machine has better use for it.
        let _ = fs::remove_file(&path);
    }
    Ok(())
}

/// The device of the disk that the host calls `serial`.
pub fn disk(serial: &str) -> Result<String, String> {
    for entry in step("list /sys/block", fs::read_dir("/sys/block"))?.flatten() {
        if fs::read_to_string(entry.path().join("serial")).map_or(false, |s| s.trim() == serial) {
            return Ok(format!("/dev/{}", entry.file_name().to_string_lossy()));
        }
    }
    Err(format!("there is no disk called {}", serial))
}

fn channel() -> Result<String, String> {
    // The kernel learns the port's name from the host a moment after it has found the device.
    for _ in 0..500 {
        for entry in fs::read_dir("/sys/class/virtio-ports").into_iter().flatten().flatten() {
            let device = format!("/dev/{}", entry.file_name().to_string_lossy());
            let name = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            if name.trim() == CHANNEL && Path::new(&device).exists() {
                return Ok(device);
            }
        }
        sys::wait_for(&mut [], 10);
    }
    Err(format!("there is no serial port called {}", CHANNEL))
}
