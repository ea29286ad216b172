//! `allod-guest confine PID UID FOLDER`: takes the host's files away from the process PID of the user UID, which has a
//! mount namespace of its own: its root becomes an empty, read-only file system, and all that was mounted there goes. What
//! it has open stays open. FOLDER is any folder of the host's, to mount the new root on before it is one. The host runs
//! this as root once a virtual machine monitor has opened what it needs, and before its guest runs.

use std::fs::File;
use std::os::unix::io::AsRawFd;

use crate::sys;

pub fn run(arguments: &[String]) -> Result<(), String> {
    let (pid, uid, folder) = match arguments {
        [pid, uid, folder] => (pid, uid, folder),
        _ => return Err("usage: allod-guest confine PID UID FOLDER".to_string()),
    };
    let name = format!("/proc/{}/ns/mnt", pid);
    let theirs = File::open(&name).map_err(|e| format!("cannot open {}: {}", name, e))?;
    let (of_theirs, of_ours) = (inode(&name)?, inode("/proc/self/ns/mnt")?);
    if of_theirs == of_ours {
        return Err(format!("process {} has no mount namespace of its own", pid));
    }
    // After its namespace was opened: now it is known whose that is.
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid)).map_err(|e| e.to_string())?;
    let owner = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or("");
    if !owner.split_whitespace().all(|one| one == uid) || owner.is_empty() {
        return Err(format!("process {} is not of user {}", pid, uid));
    }
    let failed = |what: &str, e: std::io::Error| format!("cannot {} for process {}: {}", what, pid, e);
    sys::enter_mounts(theirs.as_raw_fd()).map_err(|e| failed("enter the mounts", e))?;
    if std::fs::read_dir("/").map_err(|e| failed("look at the root", e))?.next().is_none() {
        return Ok(()); // done before
    }
    let flags = sys::MS_NOSUID | sys::MS_NODEV | sys::MS_NOEXEC;
    sys::mount_fs("none", folder, "tmpfs", flags, "size=4k,nr_inodes=1,mode=555")
        .map_err(|e| failed("mount a root", e))?;
    sys::mount_fs("none", folder, "", flags | sys::MS_RDONLY | sys::MS_REMOUNT, "size=4k,nr_inodes=1,mode=555")
        .map_err(|e| failed("make the root read-only", e))?;
    std::env::set_current_dir(folder).map_err(|e| failed("go to the root", e))?;
    sys::pivot_here().map_err(|e| failed("change the root", e))
}

fn inode(path: &str) -> Result<u64, String> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|m| m.ino()).map_err(|e| format!("cannot look at {}: {}", path, e))
}
