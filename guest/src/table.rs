//! The table of this guest's processes, for a host that cannot count on the image having a `ps`. Asked for as a command
//! by a name that no image has, and written by the child itself instead of running anything.

use std::collections::HashMap;
use std::fs;
use std::io::Write;

/// The command that stands for the table.
pub const WORD: &str = "allod:processes";

/// As many processes as a guest may have, and some.
const MOST: usize = 10_000;
const LONGEST: usize = 1024;
const TICKS: u64 = 100;
const PAGE: u64 = 4096;

/// Writes the table to the standard output and ends this process. A process is eight fields, each ended by a zero
/// byte: pid, seconds it has run, processor time in hundredths of seconds, resident bytes, state, command, folder,
/// listening sockets as `proto address` separated by commas.
pub fn write() -> ! {
    let sockets = listening();
    let up = number(&first_word(&fs::read_to_string("/proc/uptime").unwrap_or_default()));
    let own = std::process::id();
    let mut out = std::io::stdout().lock();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten().take(MOST) {
        let pid: u32 = match entry.file_name().to_string_lossy().parse() {
            Ok(pid) if pid != own => pid,
            _ => continue,
        };
        if let Some(fields) = process(pid, up, &sockets) {
            for field in fields {
                let _ = out.write_all(field.replace('\0', " ").as_bytes());
                let _ = out.write_all(&[0]);
            }
        }
    }
    let _ = out.flush();
    std::process::exit(0);
}

fn process(pid: u32, up: u64, sockets: &HashMap<u64, String>) -> Option<[String; 8]> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid)).ok()?;
    let (name, rest) = (stat.split('(').nth(1)?, stat.rsplit(')').next()?);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let at = |index: usize| words.get(index).map_or(0, |w| number(w));
    let line = fs::read(format!("/proc/{}/cmdline", pid)).unwrap_or_default();
    // A kernel's own threads have no memory and no command.
    if line.is_empty() && at(20) == 0 {
        return None;
    }
    let mut command = String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ");
    if command.is_empty() {
        command = name.rsplit_once(')').map_or(name, |(n, _)| n).to_string();
    }
    let folder = fs::read_link(format!("/proc/{}/cwd", pid)).unwrap_or_default();
    Some([
        pid.to_string(),
        up.saturating_sub(at(19) / TICKS).to_string(),
        (at(11) + at(12)).to_string(),
        (at(21) * PAGE).to_string(),
        words.first().unwrap_or(&"?").to_string(),
        command.chars().take(LONGEST).collect(),
        folder.to_string_lossy().chars().take(LONGEST).collect(),
        open_sockets(pid, sockets),
    ])
}

fn open_sockets(pid: u32, sockets: &HashMap<u64, String>) -> String {
    let mut found: Vec<&str> = Vec::new();
    for fd in fs::read_dir(format!("/proc/{}/fd", pid)).into_iter().flatten().flatten().take(MOST) {
        let link = fs::read_link(fd.path()).unwrap_or_default();
        let inode = link.to_string_lossy().strip_prefix("socket:[").map(|i| number(i.trim_end_matches(']')));
        found.extend(inode.and_then(|i| sockets.get(&i)).map(String::as_str));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(100);
    found.join(",")
}

/// Every socket that listens, by its inode.
fn listening() -> HashMap<u64, String> {
    let mut sockets = HashMap::new();
    for (file, proto, state) in [("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")] {
        let text = fs::read_to_string(format!("/proc/net/{}", file)).unwrap_or_default();
        for line in text.lines().skip(1).take(MOST) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.len() > 9 && words[3] == state {
                if let Some(address) = address(words[1]) {
                    sockets.insert(number(words[9]), format!("{} {}", proto, address));
                }
            }
        }
    }
    sockets
}

/// `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in the machine's own order.
fn address(hex: &str) -> Option<String> {
    let (ip, port) = hex.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for at in (0..ip.len()).step_by(8) {
        bytes.extend_from_slice(&u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    }
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(format!("{}:{}", std::net::Ipv4Addr::from(four), port));
    }
    <[u8; 16]>::try_from(bytes.as_slice()).ok().map(|six| format!("[{}]:{}", std::net::Ipv6Addr::from(six), port))
}

fn first_word(text: &str) -> String {
    text.split(|c| c == '.' || c == ' ').next().unwrap_or_default().to_string()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_kernels_tables_are_read() {
        assert_eq!(address("0100007F:1F90").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(address("00000000000000000000000001000000:0050").as_deref(), Some("[::1]:80"));
        assert_eq!(address("0100007F"), None);
        assert_eq!(address("01:0050"), None);
    }

    #[test]
    fn this_process_is_in_the_table_with_its_command_and_folder() {
        let fields = process(std::process::id(), 1 << 40, &HashMap::new()).unwrap();
        assert_eq!(fields[0], std::process::id().to_string());
        assert!(fields[3].parse::<u64>().unwrap() > 100_000);
        assert!(fields[5].contains("allod"));
        assert_eq!(fields[6], std::env::current_dir().unwrap().to_string_lossy());
    }
}
