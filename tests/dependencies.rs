//! What the engine may know: no shell, no toolkit, no catch-all error.

use std::process::Command;

#[test]
fn engine_depends_on_no_shell() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", "drawbridge-engine"])
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let names: Vec<String> = String::from_utf8_lossy(&tree.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(names.iter().any(|name| name == "rustls"), "the tree was not read");
    for (shell, why) in [
        ("tauri", "the engine runs on servers without a display"),
        ("wry", "the same"),
        ("clap", "arguments are the terminal shell's business"),
        ("anyhow", "callers of the engine tell errors apart"),
    ] {
        assert!(!names.iter().any(|name| name == shell), "the engine depends on {shell}, but {why}");
    }
}

#[test]
fn the_command_line_links_no_toolkit() {
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_drawbridge")).output().expect("ldd runs");
    let linked = String::from_utf8_lossy(&output.stdout);
    assert!(linked.contains("libc.so"), "{linked}");
    for toolkit in ["webkit", "gtk", "libdbus", "libssl"] {
        assert!(!linked.contains(toolkit), "{linked}");
    }
}

#[test]
fn the_desktop_shell_stays_thin() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src-tauri");
    let lines: usize = ["", "tray"]
        .into_iter()
        .flat_map(|inside| std::fs::read_dir(folder.join(inside)).expect("the shell's sources"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("build.rs"))
        .map(|path| std::fs::read_to_string(path).expect("a source").lines().count())
        .sum();
    assert!((400..=800).contains(&lines), "{lines} lines; what knows no toolkit belongs to crates/desk");
}
