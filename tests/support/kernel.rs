//! What the kernel says about a process: its listening sockets, whatever the process says itself.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Every TCP address this process listens on, in its own network namespace.
pub(crate) fn listeners(pid: u32) -> BTreeSet<SocketAddr> {
    let sockets = sockets(pid);
    let mut found = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        found.extend(text.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let listens = *fields.get(3)? == "0A" && sockets.contains(*fields.get(9)?);
            listens.then(|| address(fields[1]))?
        }));
    }
    found
}

/// Ports listened on at an address, by whatever process of this network namespace. The kernel lists who listens first,
/// so the rest of its table, which takes milliseconds, is not read.
pub(crate) fn listeners_at(at: IpAddr) -> BTreeSet<u16> {
    let table = if at.is_ipv4() { "tcp" } else { "tcp6" };
    let file = fs::File::open(format!("/proc/net/{table}")).expect("the kernel's table");
    let lines = BufReader::with_capacity(4096, file).lines().skip(1).map_while(Result::ok);
    let listening = lines.map_while(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let own = fields.next()?;
        (fields.nth(1)? == "0A").then(|| address(own))
    });
    listening.flatten().filter(|own| own.ip() == at).map(|own| own.port()).collect()
}

/// Its TCP connections, in whatever state, that it still holds.
pub(crate) fn connections(pid: u32) -> usize {
    own_ends(pid).len()
}

/// Those that ended up at one of its addresses.
pub(crate) fn connections_at(pid: u32, address: IpAddr) -> usize {
    own_ends(pid).into_iter().filter(|own| own.ip() == address).count()
}

fn own_ends(pid: u32) -> Vec<SocketAddr> {
    let sockets = sockets(pid);
    let tables = ["tcp", "tcp6"]
        .map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default());
    let lines = tables.iter().flat_map(|text| text.lines().skip(1));
    let fields = lines.map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let open = fields.filter(|fields| fields.len() > 9 && fields[3] != "0A" && sockets.contains(fields[9]));
    open.filter_map(|fields| address(fields[1])).collect()
}

/// Its open files and sockets.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Its threads.
pub(crate) fn threads(pid: u32) -> usize {
    usize::try_from(status(pid, "Threads")).expect("a count")
}

/// Its memory in KiB: as it is, and the most it ever was.
pub(crate) fn memory(pid: u32) -> (u64, u64) {
    (status(pid, "VmRSS"), status(pid, "VmHWM"))
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).expect("a known key");
    line.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Inodes of its open sockets.
fn sockets(pid: u32) -> BTreeSet<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| {
            let target = fs::read_link(file.path()).ok()?;
            Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect()
}

/// `0100007F:22B8`: words of the address in host order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let words: Option<Vec<u32>> =
        (0..host.len() / 8).map(|word| u32::from_str_radix(&host[word * 8..word * 8 + 8], 16).ok()).collect();
    let bytes: Vec<u8> = words?.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let ip = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}
