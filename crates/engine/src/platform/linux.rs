//! Linux: whose socket listens, from the kernel's own tables (`/proc/net/tcp`, proc(5)).

use super::ListenerOwner;
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read},
    net::{IpAddr, SocketAddr},
};

/// Whose program listens on a loopback address.
pub(crate) fn listener_owner(address: SocketAddr) -> ListenerOwner {
    // A v6 wildcard socket also serves v4, a v4 one never serves v6.
    let paths: &[&str] =
        if address.is_ipv4() { &["/proc/net/tcp", "/proc/net/tcp6"] } else { &["/proc/net/tcp6"] };
    let own = rustix::process::geteuid().as_raw();
    let mut owners = paths.iter().filter_map(|path| owner_in(File::open(path).ok()?, address));
    match owners.next() {
        // Whoever answered does not listen any more, or never did in the owner's name: no byte for it.
        None => ListenerOwner::Nobody,
        // Several sockets on one port (SO_REUSEPORT) belong to one user; the kernel sees to that.
        Some(0) => ListenerOwner::Root,
        Some(uid) if uid == own => ListenerOwner::Us,
        Some(uid) => ListenerOwner::Other(uid),
    }
}

/// The owner's number in one of the tables, read as far as needed: the kernel writes the listening sockets first, so the
/// thousands of others that may follow are not even asked for (with 9,000 open WebSockets they cost a connection to a tool
/// 50 ms).
fn owner_in(table: impl Read, address: SocketAddr) -> Option<u32> {
    let mut lines = BufReader::with_capacity(TABLE_PIECE, table).lines().map_while(Result::ok);
    lines.find_map(|line| listener(&line, address))
}

/// The owner's number where a line of the table is a listening socket that serves this address.
fn listener(line: &str, address: SocketAddr) -> Option<u32> {
    let mut fields = line.split_ascii_whitespace();
    let (local, state) = (fields.nth(1)?, fields.nth(1)?);
    let uid = fields.nth(3)?;
    let (host, port) = local.split_once(':')?;
    let listens = state == LISTEN && u16::from_str_radix(port, 16).ok()? == address.port();
    (listens && serves(host, address.ip())).then(|| uid.parse().ok())?
}

/// Whether a socket bound to this (hexadecimal, words in host order) is reached by an address.
fn serves(host: &str, address: IpAddr) -> bool {
    if host.bytes().all(|digit| digit == b'0') {
        return true;
    }
    let words: Option<Vec<u32>> = (0..host.len() / 8)
        .map(|index| u32::from_str_radix(host.get(index * 8..index * 8 + 8)?, 16).ok())
        .collect();
    let Some(bytes) =
        words.map(|words| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>())
    else {
        return false;
    };
    let bound = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    };
    bound.is_some_and(|bound| bound.to_canonical() == address.to_canonical())
}

/// Bytes asked for at once: seven lines. The kernel looks for as many sockets as fill what it is asked for, and goes through
/// its whole table of others where the listening ones are fewer.
const TABLE_PIECE: usize = 1024;
/// State of a listening socket in the table (TCP_LISTEN in the kernel's `tcp_states.h`).
const LISTEN: &str = "0A";

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn own_listener_is_ours_and_a_closed_port_is_nobodys() {
        for bind in ["127.0.0.1:0", "0.0.0.0:0", "127.0.0.9:0"] {
            let socket = TcpListener::bind(bind).unwrap();
            let mut address = socket.local_addr().unwrap();
            if address.ip().is_unspecified() {
                address.set_ip([127, 0, 0, 1].into());
            }
            let expected =
                if rustix::process::geteuid().is_root() { ListenerOwner::Root } else { ListenerOwner::Us };
            assert_eq!(listener_owner(address), expected, "{bind}");
            drop(socket);
            assert_eq!(listener_owner(address), ListenerOwner::Nobody, "{bind}");
        }
    }

    #[test]
    fn a_v4_wildcard_does_not_vouch_for_v6() {
        let socket = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(listener_owner(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))), ListenerOwner::Nobody);
    }

    #[test]
    fn a_listener_is_found_without_reading_what_follows() {
        struct Rest;
        impl Read for Rest {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("the connections were read too");
            }
        }
        let line = |port: u16, state: &str, uid: u32| {
            format!(
                "   0: 0100007F:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {uid:5}        0 5 1 0 100 0\n"
            )
        };
        let mut table = String::from(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n",
        );
        table.push_str(&line(1000, LISTEN, 7));
        table.push_str(&line(8888, LISTEN, 1234));
        table.extend((0..500).map(|_| line(8889, "01", 1234)));
        let address = "127.0.0.1:8888".parse().unwrap();
        let expected = if cfg!(target_endian = "little") { 1234 } else { return };
        assert_eq!(owner_in(table.as_bytes().chain(Rest), address), Some(expected));
        assert_eq!(owner_in(table.as_bytes(), "127.0.0.1:8889".parse().unwrap()), None);
    }

    #[test]
    fn another_users_line_is_told_apart() {
        let line = "   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1234        0 5 1 0 100 0";
        let expected = if cfg!(target_endian = "little") { Some(1234) } else { None };
        assert_eq!(listener(line, "127.0.0.1:8888".parse().unwrap()), expected);
        assert_eq!(listener(line, "127.0.0.1:8889".parse().unwrap()), None);
        assert_eq!(listener(line, "127.0.0.2:8888".parse().unwrap()), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), "127.0.0.1:8888".parse().unwrap()), None);
    }
}
