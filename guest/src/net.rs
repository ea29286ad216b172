//! Addresses and routes of a microVM, by the old `ioctl`s: they need no message format of their own. Only neighbours
//! have none for IPv6, and are told by netlink.

use std::fs;
use std::net::IpAddr;

use crate::config::Interface;
use crate::sys;

const SIOCADDRT: u64 = 0x890b;
const SIOCGIFFLAGS: u64 = 0x8913;
const SIOCSIFFLAGS: u64 = 0x8914;
const SIOCSIFADDR: u64 = 0x8916;
const SIOCSIFNETMASK: u64 = 0x891c;
const SIOCSIFMTU: u64 = 0x8922;
const SIOCGIFINDEX: u64 = 0x8933;
const IFF_UP: u8 = 1;
const AF_NETLINK: i32 = 16;
const RTM_NEWNEIGH: u16 = 28;
const NUD_PERMANENT: u16 = 0x80;
const RTF_UP: u16 = 1;
const RTF_GATEWAY: u16 = 2;
const RTF_HOST: u16 = 4;

/// `struct ifreq`: a name, and 24 bytes that mean something else for each request.
#[repr(C, align(8))]
struct Request {
    name: [u8; 16],
    value: [u8; 24],
}

#[repr(C)]
struct Address6 {
    address: [u8; 16],
    prefix: u32,
    index: i32,
}

#[repr(C)]
struct Route6 {
    to: [u8; 16],
    from: [u8; 16],
    gateway: [u8; 16],
    kind: u32,
    to_prefix: u16,
    from_prefix: u16,
    metric: u32,
    info: u64,
    flags: u32,
    index: i32,
}

/// `struct rtentry` on a 64-bit machine.
#[repr(C)]
struct Route4 {
    pad: u64,
    to: [u8; 16],
    gateway: [u8; 16],
    mask: [u8; 16],
    flags: u16,
    pad2: i16,
    pad3: u64,
    pad4: u64,
    metric: i16,
    device: *const u8,
    mtu: u64,
    window: u64,
    round_trip: u16,
}

pub fn configure(interface: &Interface) -> Result<(), String> {
    let wrong = |what: &str, e: std::io::Error| format!("cannot set {} of {}: {}", what, interface.name, e);
    let four = sys::control_socket(2).map_err(|e| wrong("addresses", e))?;
    // A kernel without IPv6 has no such socket; then there must be nothing to ask of it.
    let six = sys::control_socket(10).unwrap_or(-1);
    let done = (|| {
        // Nobody else has these addresses, so there is no duplicate to wait a second for; routers are ours alone.
        for (knob, value) in [("accept_dad", "0"), ("accept_ra", "0")] {
            let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{}/{}", interface.name, knob), value);
        }
        let mut request = Request::of(&interface.name);
        if interface.mtu != 0 {
            request.value[..4].copy_from_slice(&interface.mtu.to_ne_bytes());
            sys::control(four, SIOCSIFMTU, &mut request).map_err(|e| wrong("the frame size", e))?;
        }
        sys::control(four, SIOCGIFFLAGS, &mut request).map_err(|e| wrong("the state", e))?;
        request.value[0] |= IFF_UP;
        sys::control(four, SIOCSIFFLAGS, &mut request).map_err(|e| wrong("the state", e))?;
        sys::control(four, SIOCGIFINDEX, &mut request).map_err(|e| wrong("the state", e))?;
        let mut index = [0; 4];
        index.copy_from_slice(&request.value[..4]);
        let index = i32::from_ne_bytes(index);
        for text in &interface.addresses {
            let (address, prefix) = parse(text)?;
            match address {
                IpAddr::V4(v4) => {
                    let mut request = Request::of(&interface.name);
                    request.value[..16].copy_from_slice(&socket_address(v4.octets()));
                    sys::control(four, SIOCSIFADDR, &mut request).map_err(|e| wrong(text, e))?;
                    let mask = (!0u32).checked_shl(32 - prefix).unwrap_or(0);
                    request.value[..16].copy_from_slice(&socket_address(mask.to_be_bytes()));
                    sys::control(four, SIOCSIFNETMASK, &mut request).map_err(|e| wrong(text, e))?;
                }
                IpAddr::V6(v6) => {
                    let mut request = Address6 { address: v6.octets(), prefix, index };
                    sys::control(six, SIOCSIFADDR, &mut request).map_err(|e| wrong(text, e))?;
                }
            }
        }
        for text in &interface.gateways {
            let (gateway, _) = parse(text)?;
            // The gateway first by itself: it need not be inside the prefix of our own address.
            let routed = match gateway {
                IpAddr::V4(v4) => {
                    let _ = route4(four, &interface.name, v4.octets(), None);
                    route4(four, &interface.name, [0; 4], Some(v4.octets()))
                }
                IpAddr::V6(v6) => {
                    let _ = route6(six, index, v6.octets(), None);
                    route6(six, index, [0; 16], Some(v6.octets()))
                }
            };
            routed.map_err(|e| wrong(text, e))?;
            if !interface.gateway_mac.is_empty() {
                let mac = parse_mac(&interface.gateway_mac)?;
                neighbour(index, gateway, mac).map_err(|e| wrong("the neighbour", e))?;
            }
        }
        Ok(())
    })();
    sys::close_fd(four);
    sys::close_fd(six);
    done
}

impl Request {
    fn of(name: &str) -> Request {
        let mut request = Request { name: [0; 16], value: [0; 24] };
        let length = name.len().min(15);
        request.name[..length].copy_from_slice(&name.as_bytes()[..length]);
        request
    }
}

/// Says for good which Ethernet address a neighbour has: `RTM_NEWNEIGH` of rtnetlink.
fn neighbour(index: i32, address: IpAddr, mac: [u8; 6]) -> std::io::Result<()> {
    let message = neighbour_message(index, address, mac);
    let socket = sys::control_socket(AF_NETLINK)?;
    let mut answer = [0u8; 256];
    let told = sys::write_fd(socket, &message).and_then(|_| sys::read_fd(socket, &mut answer));
    sys::close_fd(socket);
    told?;
    // An acknowledgement: the header, and an error's number, negated.
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        error => Err(std::io::Error::from_raw_os_error(-error)),
    }
}

fn neighbour_message(index: i32, address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
    let (family, bytes) = match address {
        IpAddr::V4(v4) => (2u8, v4.octets().to_vec()),
        IpAddr::V6(v6) => (10u8, v6.octets().to_vec()),
    };
    let mut message = vec![0; 4];
    // REQUEST, ACK, REPLACE and CREATE; sequence and sender are nobody's.
    for number in [RTM_NEWNEIGH, 0x505] {
        message.extend_from_slice(&number.to_ne_bytes());
    }
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&[family, 0, 0, 0]);
    message.extend_from_slice(&index.to_ne_bytes());
    message.extend_from_slice(&NUD_PERMANENT.to_ne_bytes());
    message.extend_from_slice(&[0, 0]);
    for (kind, value) in [(1u16, bytes.as_slice()), (2, &mac[..])] {
        message.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(value);
        message.resize((message.len() + 3) & !3, 0);
    }
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

fn parse_mac(text: &str) -> Result<[u8; 6], String> {
    let wrong = || format!("{} is not an Ethernet address", text);
    let bytes: Result<Vec<u8>, _> = text.split(':').map(|part| u8::from_str_radix(part, 16)).collect();
    bytes.ok().and_then(|b| <[u8; 6]>::try_from(b).ok()).ok_or_else(wrong)
}

/// `address/prefix`; without a prefix, the whole address.
fn parse(text: &str) -> Result<(IpAddr, u32), String> {
    let wrong = || format!("{} is not an address", text);
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix = if prefix.is_empty() { whole } else { prefix.parse().map_err(|_| wrong())? };
    if prefix > whole {
        return Err(wrong());
    }
    Ok((address, prefix))
}

fn socket_address(octets: [u8; 4]) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&2u16.to_ne_bytes());
    address[4..8].copy_from_slice(&octets);
    address
}

fn route4(socket: i32, name: &str, to: [u8; 4], by: Option<[u8; 4]>) -> std::io::Result<()> {
    let device = sys::text(name)?;
    let mut route = Route4 {
        pad: 0,
        to: socket_address(to),
        gateway: socket_address(by.unwrap_or([0; 4])),
        mask: socket_address(if by.is_some() { [0; 4] } else { [255; 4] }),
        flags: RTF_UP | if by.is_some() { RTF_GATEWAY } else { RTF_HOST },
        pad2: 0,
        pad3: 0,
        pad4: 0,
        metric: 0,
        device: device.as_ptr().cast(),
        mtu: 0,
        window: 0,
        round_trip: 0,
    };
    sys::control(socket, SIOCADDRT, &mut route)
}

fn route6(socket: i32, index: i32, to: [u8; 16], by: Option<[u8; 16]>) -> std::io::Result<()> {
    let mut route = Route6 {
        to,
        from: [0; 16],
        gateway: by.unwrap_or([0; 16]),
        kind: 0,
        to_prefix: if by.is_some() { 0 } else { 128 },
        from_prefix: 0,
        metric: 1,
        info: 0,
        flags: u32::from(RTF_UP | if by.is_some() { RTF_GATEWAY } else { RTF_HOST }),
        index,
    };
    sys::control(socket, SIOCADDRT, &mut route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_prefix() {
        assert_eq!(parse("10.0.0.2/30").map(|(_, p)| p), Ok(30));
        assert_eq!(parse("fd00::1").map(|(_, p)| p), Ok(128));
        assert!(parse("10.0.0.2/33").is_err());
        assert!(parse("host").is_err());
    }

    #[test]
    fn neighbours_are_told_in_whole_words() {
        let mac = parse_mac("02:a1:10:d0:00:01").unwrap();
        assert_eq!(mac, [2, 0xa1, 0x10, 0xd0, 0, 1]);
        let four = neighbour_message(3, "100.64.0.1".parse().unwrap(), mac);
        assert_eq!((four.len(), four[0]), (16 + 12 + 8 + 12, 48));
        assert_eq!(neighbour_message(3, "fe80::1".parse().unwrap(), mac).len(), 16 + 12 + 20 + 12);
        assert!(parse_mac("02:a1").is_err());
    }

    #[test]
    fn structures_have_the_kernel_s_size() {
        assert_eq!(std::mem::size_of::<Request>(), 40);
        assert_eq!(std::mem::size_of::<Address6>(), 24);
        assert_eq!(std::mem::size_of::<Route6>(), 80);
        assert_eq!(std::mem::size_of::<Route4>(), 120);
    }
}
