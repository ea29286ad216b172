//! Disks that outlive the machine. Their file system is mounted before the main process starts, grows to whatever the
//! disk has become, and is put in order before the host is told that the machine has ended: after that the host may
//! end us at any moment.

use crate::boot;
use crate::config::Volume;
use crate::frame::{Out, Payload, VOLUME_STATE};
use crate::sys::{self, MS_NODEV, MS_NOSUID};

/// What the host may ask of a volume.
const MEASURE: u8 = 0;
const GROW: u8 = 1;
const SYNC: u8 = 2;
const FREEZE: u8 = 3;
const THAW: u8 = 4;

const FIFREEZE: u64 = 0xc004_5877;
const FITHAW: u64 = 0xc004_5878;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;

const BLKGETSIZE64: u64 = 0x8008_1272;
const EXT4_IOC_RESIZE_FS: u64 = 0x4008_6610;

pub fn mount(volume: &Volume) -> Result<(), String> {
    let wrong = |e: String| format!("cannot mount the volume {} at {}: {}", volume.serial, volume.path, e);
    let device = boot::disk(&volume.serial).map_err(wrong)?;
    std::fs::create_dir_all(&volume.path).map_err(|e| wrong(e.to_string()))?;
    sys::mount_fs(&device, &volume.path, "ext4", MS_NOSUID | MS_NODEV, "").map_err(|e| wrong(e.to_string()))?;
    grow(volume, size(&device).map_err(|e| wrong(e.to_string()))?).map_err(wrong)
}

/// Answers the host: a token, what it is to do, the volume's path.
pub fn answer(volumes: &[Volume], mut p: Payload) -> Result<Vec<u8>, String> {
    let token = p.u64()?;
    let what = p.u8()?;
    let path = p.text()?;
    let done = match volumes.iter().find(|v| v.path == path) {
        Some(volume) => act(volume, what),
        None if what == SYNC && path.is_empty() => {
            volumes.iter().try_for_each(sync).map(|()| (0, sys::Space::default()))
        }
        None => Err(format!("no volume is mounted at {}", path)),
    };
    let out = Out::new(VOLUME_STATE).u64(token);
    Ok(match done {
        Ok((bytes, space)) => {
            let out = out.u64(bytes).u64(space.block).u64(space.blocks).u64(space.free);
            out.u64(space.available).bytes()
        }
        Err(why) => {
            let out = out.u64(0).u64(0).u64(0).u64(0).u64(0);
            out.raw(&why.as_bytes()[..why.len().min(512)]).bytes()
        }
    })
}

fn act(volume: &Volume, what: u8) -> Result<(u64, sys::Space), String> {
    let device = boot::disk(&volume.serial)?;
    let bytes = size(&device).map_err(|e| format!("cannot ask {} for its size: {}", device, e))?;
    match what {
        MEASURE => {}
        GROW => grow(volume, bytes)?,
        SYNC => sync(volume)?,
        FREEZE => still(volume, FIFREEZE, EBUSY)?,
        THAW => still(volume, FITHAW, EINVAL)?,
        _ => return Err("unknown".to_string()),
    }
    let space = sys::space(&volume.path).map_err(|e| format!("cannot measure {}: {}", volume.path, e))?;
    Ok((bytes, space))
}

fn grow(volume: &Volume, bytes: u64) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("cannot grow the file system at {}: {}", volume.path, e);
    let block = sys::space(&volume.path).map_err(wrong)?.block.max(1);
    let fd = sys::open_fd(&volume.path, sys::O_CLOEXEC).map_err(wrong)?;
    // Without effect where it has that size.
    let done = sys::control(fd, EXT4_IOC_RESIZE_FS, &mut (bytes / block)).map_err(wrong);
    sys::close_fd(fd);
    done
}

/// Writes out a file system and holds up whoever writes, or lets them go on; `already` says that it was so before.
fn still(volume: &Volume, request: u64, already: i32) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("cannot freeze or thaw {}: {}", volume.path, e);
    let fd = sys::open_fd(&volume.path, sys::O_CLOEXEC).map_err(wrong)?;
    let done = match sys::control(fd, request, &mut 0i32) {
        Err(e) if e.raw_os_error() == Some(already) => Ok(()),
        other => other.map_err(wrong),
    };
    sys::close_fd(fd);
    done
}

fn size(device: &str) -> std::io::Result<u64> {
    let fd = sys::open_fd(device, sys::O_CLOEXEC)?;
    let mut bytes = 0u64;
    let done = sys::control(fd, BLKGETSIZE64, &mut bytes);
    sys::close_fd(fd);
    done.map(|()| bytes)
}

pub fn sync(volume: &Volume) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("cannot write out {}: {}", volume.path, e);
    let fd = sys::open_fd(&volume.path, sys::O_CLOEXEC).map_err(wrong)?;
    let done = sys::sync_fs(fd).map_err(wrong);
    sys::close_fd(fd);
    done
}
