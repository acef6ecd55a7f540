//! The table of parts. A new need of a test is one more line here.
//!
//! `present` asks the thing itself rather than a package manager, so that a part installed some other way counts.

use super::Purpose::{Bench, Bundle, Checks, Long, OtherSystems, Run, Test, Window};
use super::{Part, Source, prefix};
use crate::places::Places;
use crate::shell::{answers, found};

pub(super) const PARTS: &[Part] = &[
    // SQLite and the cryptography are C; a linker without the C library's headers is a usual half-installation.
    debian("a C compiler", &[Run, Test, Long], has_c_compiler, &["gcc", "libc6-dev"]),
    // libFuzzer is C++.
    debian("a C++ compiler", &[Long], has_cpp_compiler, &["g++"]),
    // Slow heads, slow bodies and slow reading, as the field tries them.
    debian("slowhttptest", &[Long], |_| found("slowhttptest").is_some(), &["slowhttptest"]),
    debian("curl", &[Test, Bench], |_| found("curl").is_some(), &["curl", "ca-certificates"]),
    debian("OpenSSL", &[Test], |_| found("openssl").is_some(), &["openssl"]),
    debian("ip", &[Test], |_| found("ip").is_some(), &["iproute2"]),
    // Tools behind doors and fronts before them; the proxies people would use otherwise; what loads them, and what counts
    // instructions.
    debian("nginx", &[Test, Bench], |_| found("nginx").is_some(), &["nginx-light"]),
    debian("HAProxy", &[Bench], |_| found("haproxy").is_some(), &["haproxy"]),
    debian("Caddy", &[Test, Bench], |_| found("caddy").is_some(), &["caddy"]),
    debian("h2load", &[Bench], |_| found("h2load").is_some(), &["nghttp2-client"]),
    debian("taskset", &[Bench], |_| found("taskset").is_some(), &["util-linux"]),
    debian("Valgrind", &[Bench], |_| found("valgrind").is_some(), &["valgrind"]),
    debian("aria2", &[Test], |_| found("aria2c").is_some(), &["aria2"]),
    debian("git", &[Test], |_| found("git").is_some(), &["git"]),
    debian("rclone", &[Test], |_| found("rclone").is_some(), &["rclone"]),
    debian(
        "gRPC for Python",
        &[Test],
        |_| answers("/usr/bin/python3", &["-c", "import grpc"]),
        &["python3-grpcio"],
    ),
    debian("ps", &[Test], |_| found("ps").is_some(), &["procps"]),
    debian("D-Bus", &[Test], |_| found("dbus-run-session").is_some(), &["dbus"]),
    debian("the GNOME keyring", &[Test], |_| found("gnome-keyring-daemon").is_some(), &["gnome-keyring"]),
    // Locks a test's keyring over its bus; shows its dialog on a display nobody looks at.
    debian("gdbus", &[Test], |_| found("gdbus").is_some(), &["libglib2.0-bin"]),
    debian("Xvfb", &[Test], |_| found("Xvfb").is_some(), &["xvfb"]),
    debian("Chromium", &[Test], |_| found("chromium").is_some(), &["chromium"]),
    // Puts our authority into a browser profile of a test.
    debian("certutil", &[Test], |_| found("certutil").is_some(), &["libnss3-tools"]),
    debian("Node.js", &[Test, Window, Bundle], |_| has_node(), &["nodejs", "npm"]),
    // The toolkit links the system's webview; `pkg-config` tells where it is.
    debian(
        "WebKitGTK",
        &[Window, Test, Checks],
        |_| answers("pkg-config", &["--exists", "webkit2gtk-4.1"]),
        &["pkg-config", "libwebkit2gtk-4.1-dev"],
    ),
    // Drives the window; a real panel and window manager show tray and window, and pictures are taken of both.
    debian("WebKitWebDriver", &[Test], |_| found("WebKitWebDriver").is_some(), &["webkit2gtk-driver"]),
    debian(
        "the Xfce panel",
        &[Test],
        |_| found("xfce4-panel").is_some() && found("xfwm4").is_some(),
        &["xfce4-panel", "xfwm4", "xfconf", "adwaita-icon-theme", "fonts-dejavu-core"],
    ),
    // Shows notifications, and tells what it showed.
    debian(
        "dunst",
        &[Test],
        |_| ["dunst", "dunstctl", "busctl"].iter().all(|program| found(program).is_some()),
        &["dunst", "systemd"],
    ),
    debian("xdotool", &[Test], |_| found("xdotool").is_some(), &["xdotool"]),
    debian("xclip", &[Test], |_| found("xclip").is_some(), &["xclip"]),
    debian("scrot", &[Test], |_| found("scrot").is_some(), &["scrot"]),
    debian(
        "Python",
        &[Test, OtherSystems],
        |_| prefix::python_program().is_some(),
        &["python3", "python3-venv"],
    ),
    debian(
        "the MinGW compiler",
        &[OtherSystems],
        |_| found("x86_64-w64-mingw32-gcc").is_some(),
        &["gcc-mingw-w64-x86-64"],
    ),
    Part {
        name: "rustfmt",
        purposes: &[Checks],
        present: |_| answers("cargo", &["fmt", "--version"]),
        source: Source::Component("rustfmt"),
    },
    Part {
        name: "clippy",
        purposes: &[Checks, OtherSystems],
        present: |_| answers("cargo", &["clippy", "--version"]),
        source: Source::Component("clippy"),
    },
    Part {
        name: "Rust for Windows",
        purposes: &[OtherSystems],
        present: |_| prefix::has_target(WINDOWS),
        source: Source::Target(WINDOWS),
    },
    Part {
        name: "Rust for macOS",
        purposes: &[OtherSystems],
        present: |_| prefix::has_target(MACOS),
        source: Source::Target(MACOS),
    },
    Part {
        name: "JupyterLab and cargo-zigbuild",
        purposes: &[Test, OtherSystems],
        present: prefix::has_python,
        source: Source::Python,
    },
    Part {
        name: "Playwright and the packer",
        purposes: &[Test, Bundle],
        present: prefix::has_node,
        source: Source::Node,
    },
    Part { name: "cargo-deny", purposes: &[Checks], present: prefix::has_cargo_deny, source: Source::Crate },
];

/// The Windows we compile for from here: the one whose linker Debian has.
pub(crate) const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// The macOS we compile for from here.
pub(crate) const MACOS: &str = "aarch64-apple-darwin";

const fn debian(
    name: &'static str,
    purposes: &'static [super::Purpose],
    present: fn(&Places) -> bool,
    packages: &'static [&'static str],
) -> Part {
    Part { name, purposes, present, source: Source::Debian(packages) }
}

/// Preprocesses a header: finds the compiler without its C library too.
fn has_c_compiler(_: &Places) -> bool {
    answers("sh", &["-c", "echo '#include <stdlib.h>' | cc -E -"])
}

/// The same for C++.
fn has_cpp_compiler(_: &Places) -> bool {
    answers("sh", &["-c", "echo '#include <vector>' | c++ -x c++ -E -"])
}

fn has_node() -> bool {
    answers("node", &["--version"]) && answers("npm", &["--version"])
}
