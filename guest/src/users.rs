//! Who a process runs as, by the guest's own `/etc/passwd` and `/etc/group`.

use std::fs;

#[derive(Debug, PartialEq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: String,
}

/// Reads `name`, `uid`, `name:group` or `uid:gid`; empty is root.
///
/// `root` is where the files are; empty: here.
pub fn resolve(spec: &str, root: &str) -> Result<User, String> {
    // An image without these files is usual; numbers then still work.
    let passwd = fs::read_to_string(format!("{}/etc/passwd", root)).unwrap_or_default();
    let group = fs::read_to_string(format!("{}/etc/group", root)).unwrap_or_default();
    resolve_in(spec, &passwd, &group)
}

fn resolve_in(spec: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (name, wanted_group) = match spec.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (spec, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let entry = passwd.lines().map(fields).find(|f| f.len() >= 6 && (f[0] == name || f[2] == name));
    let uid = match (&entry, name.parse()) {
        (Some(f), _) => number(f[2], "/etc/passwd")?,
        (None, Ok(uid)) => uid,
        (None, Err(_)) => return Err(format!("no user {} in the image's /etc/passwd", name)),
    };
    let home = entry.as_ref().map_or("/", |f| f[5]).to_string();
    let login = entry.as_ref().map_or(name, |f| f[0]);
    if let Some(wanted) = wanted_group {
        let gid = match (group.lines().map(fields).find(|f| f.len() >= 3 && f[0] == wanted), wanted.parse()) {
            (Some(f), _) => number(f[2], "/etc/group")?,
            (None, Ok(gid)) => gid,
            (None, Err(_)) => return Err(format!("no group {} in the image's /etc/group", wanted)),
        };
        return Ok(User { uid, gid, groups: vec![gid], home });
    }
    let gid = match &entry {
        Some(f) => number(f[3], "/etc/passwd")?,
        None => 0,
    };
    let mut groups = vec![gid];
    for f in group.lines().map(fields).filter(|f| f.len() >= 4 && f[3].split(',').any(|m| m == login)) {
        groups.push(number(f[2], "/etc/group")?);
    }
    Ok(User { uid, gid, groups, home })
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

fn number(text: &str, file: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{} in the image's {} is not a number", text, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:34:www:/var/www:/bin/false\nbad\n";
    const GROUP: &str = "root:x:0:\nweb:x:34:\nadm:x:4:other,www\n";

    fn user(spec: &str) -> Result<User, String> {
        resolve_in(spec, PASSWD, GROUP)
    }

    #[test]
    fn names_and_numbers_find_the_same_user() {
        let www = User { uid: 33, gid: 34, groups: vec![34, 4], home: "/var/www".to_string() };
        assert_eq!(user("www"), Ok(www));
        assert_eq!(user("33"), user("www"));
    }

    #[test]
    fn empty_is_root() {
        assert_eq!(user("").map(|u| (u.uid, u.home)), Ok((0, "/root".to_string())));
    }

    #[test]
    fn a_group_asked_for_is_the_only_one() {
        assert_eq!(user("www:adm").map(|u| (u.gid, u.groups)), Ok((4, vec![4])));
        assert_eq!(user("1000:1001").map(|u| (u.uid, u.gid, u.home)), Ok((1000, 1001, "/".to_string())));
    }

    #[test]
    fn an_unknown_name_is_an_error_and_an_unknown_number_is_not() {
        assert!(user("nobody").is_err());
        assert!(user("www:nogroup").is_err());
        assert_eq!(user("4242").map(|u| u.gid), Ok(0));
    }
}
