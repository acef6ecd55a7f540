//! The window shows our own pages, talks to nobody else, and may ask for nothing but our one command.

use super::place::{button, card, tab};
use crate::support::{Recorder, desktop::Desktop, eventually, webdriver::WebDriver};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn page_stays_ours_and_nothing_is_fetched_from_elsewhere() {
    let desktop = Desktop::without_panel();
    let downloads = downloads_folder(&desktop);
    let window = WebDriver::open(&desktop, "desk-confined");
    let recorder = Recorder::start();
    window.click(&button("Skip this"));
    window.script("window.ours = true", &[]);
    for way in WAYS_OUT {
        let script = format!("try {{ {} }} catch {{}}", way.replace("THERE", &recorder.url()));
        window.script(&script, &[]);
        // What follows a change from outside was drawn by the page that was there before.
        still_ours(&desktop, &window, way);
    }
    // With a real click the engine believes that a person wants it.
    for way in BY_CLICK {
        let way = way.replace("THERE", &recorder.url());
        let button = "const b = document.createElement('button'); b.id = 'out'; document.body.prepend(b); b.innerText = 'out';";
        window.script(&format!("{button} b.onclick = () => {{ b.remove(); {way} }}"), &[]);
        window.click("#out");
        window.until_gone("#out");
        still_ours(&desktop, &window, &way);
    }
    for kind in ["iframe", "img", "script", "object", "fetch", "socket", "beacon", "style", "inline"] {
        let refused = window.script_async(TRY, &[json!(kind), json!(recorder.url())]);
        assert_eq!(refused, true, "the policy takes {kind}");
    }
    still_ours(&desktop, &window, "everything");
    assert_eq!(window.windows(), 1);
    // The engine connects ahead of a click on a link, before anybody is asked; what counts is that it says nothing.
    assert_eq!(recorder.all(), "", "nobody said anything");
    assert_eq!(fs::read_dir(downloads).expect("a folder").count(), 0, "a download was kept");
}

#[test]
fn only_our_command_is_allowed_and_nonsense_gets_a_problem() {
    let desktop = Desktop::without_panel();
    let window = WebDriver::open(&desktop, "desk-commands");
    window.click(&button("Skip this"));
    desktop.trial.ok(&["tool", "add", "Notebook", "9"]);
    for command in COMMANDS {
        let reply =
            window.script_async(INVOKE, &[json!(command), json!({"event": "tauri://x", "payload": 1})]);
        assert_eq!(reply[0], "refused", "{command}: {reply}");
        let words = reply[1].to_string();
        assert!(words.contains("not allowed") || words.contains("not found"), "{command}: {words}");
    }
    let before = desktop.trial.json(&["status"]);
    for message in nonsense() {
        let shown: String = message.to_string().chars().take(80).collect();
        let reply = window.script_async(INVOKE, &[json!("ask"), json!({"message": message})]);
        assert_eq!(reply[0], "refused", "{shown}: {reply}");
        assert!(reply[1]["type"].is_string() && reply[1]["detail"].is_string(), "{shown}: {reply}");
    }
    let unknown = window.script_async(INVOKE, &[json!("ask"), json!({})]);
    assert_eq!(unknown[0], "refused", "{unknown}");
    assert_eq!(desktop.trial.json(&["status"]), before, "nothing changed");
    let reply = window.script_async(INVOKE, &[json!("ask"), json!({"message": {"request": "status"}})]);
    assert_eq!((&reply[0], &reply[1]["headline"]), (&json!("done"), &json!("closed")), "our command works");
    still_ours(&desktop, &window, "nonsense");
}

/// The same page is there, at the same place, and alive.
fn still_ours(desktop: &Desktop, window: &WebDriver, after: &str) {
    let name = desktop.trial.json(&["tool", "list"]).as_array().map_or(0, Vec::len);
    let name = format!("Alive {name}");
    desktop.trial.ok(&["tool", "add", &name, "9"]);
    assert!(window.address().starts_with("tauri://localhost"), "{after} led to {}", window.address());
    window.click(&tab("Tools"));
    eventually(&format!("the page lives after {after}"), || window.shows(&card(&name)));
    assert_ne!(window.script("return window.ours ?? null", &[]), false, "{after}");
}

/// Where the desktop would keep downloads.
fn downloads_folder(desktop: &Desktop) -> PathBuf {
    let home = desktop.environment().into_iter().find(|(name, _)| name == "HOME").expect("a home").1;
    let (settings, downloads) = (Path::new(&home).join(".config"), Path::new(&home).join("Downloads"));
    fs::create_dir_all(&settings).and_then(|()| fs::create_dir(&downloads)).expect("folders");
    fs::write(settings.join("user-dirs.dirs"), "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n").expect("a file");
    downloads
}

/// What the one command does not understand.
fn nonsense() -> Vec<Value> {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "request": deep });
    }
    let mut messages: Vec<Value> = [
        "null",
        "1",
        "\"status\"",
        "[]",
        "{}",
        r#"{"request": null}"#,
        r#"{"request": "no-such"}"#,
        r#"{"request": "level"}"#,
        r#"{"request": "level", "tool": "nobody's", "level": "lan", "for_seconds": -1}"#,
        r#"{"request": "level", "tool": "notebook", "level": "everywhere", "for_seconds": null}"#,
        r#"{"request": "user-add", "name": "../../x", "admin": "yes"}"#,
        r#"{"shell": "no-such"}"#,
        r#"{"shell": "copy"}"#,
        r#"{"shell": "browse", "url": "javascript:alert(1)"}"#,
        r#"{"shell": "browse", "url": "file:///etc/passwd"}"#,
        r#"{"shell": "browse", "url": "--help"}"#,
        r#"{"__proto__": {"shell": "close-window"}}"#,
    ]
    .iter()
    .map(|text| serde_json::from_str(text).expect("JSON"))
    .collect();
    messages.push(deep);
    messages.push(json!({"request": "tool-remove", "tool": "x".repeat(1 << 20)}));
    messages
}

/// Ways to another page; `THERE` is an address of somebody else's.
const WAYS_OUT: [&str; 10] = [
    "location.href = 'https://example.com/'",
    "location.href = 'THERE/href'",
    "location.replace('THERE/replace')",
    "location.href = 'javascript:window.ours=false'",
    "location.href = 'data:text/html,<script>window.ours=false</script>'",
    "location.href = 'file:///etc/passwd'",
    "location.href = URL.createObjectURL(new Blob(['<h1>x</h1>'], {type: 'text/html'}))",
    "window.open('THERE/open', '_blank'); window.open('THERE/self', '_self')",
    "Object.assign(document.createElement('a'), { href: 'THERE/link' }).click()",
    "const f = document.createElement('form'); f.action = 'THERE/form'; f.method = 'post'; document.body.append(f); f.submit(); f.remove()",
];

/// The same for somebody who clicked.
const BY_CLICK: [&str; 5] = [
    "window.open('THERE/open', '_blank')",
    "window.open('tauri://localhost/index.html', '_blank')",
    "Object.assign(document.createElement('a'), { href: 'THERE/kept', download: 'kept' }).click()",
    "Object.assign(document.createElement('a'), { href: URL.createObjectURL(new Blob(['x'])), download: 'kept' }).click()",
    "Object.assign(document.createElement('a'), { href: '/index.html', download: 'kept' }).click()",
];

/// Tries to bring something in; tells whether the policy refused it.
const TRY: &str = "
const [kind, there, done] = arguments;
let refused = false;
const see = () => { refused = true; document.removeEventListener('securitypolicyviolation', see); done(true); };
document.addEventListener('securitypolicyviolation', see);
setTimeout(() => refused || done(false), 5000);
const add = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
const ways = {
  iframe: () => add('iframe', {src: there}),
  img: () => add('img', {src: there}),
  script: () => add('script', {src: there + '/x.js'}),
  object: () => add('object', {data: there}),
  fetch: () => void fetch(there, {mode: 'no-cors'}).catch(() => 0),
  socket: () => void new WebSocket(there.replace('http', 'ws')),
  beacon: () => navigator.sendBeacon(there, 'x'),
  style: () => add('link', {rel: 'stylesheet', href: there + '/x.css'}),
  inline: () => add('script', {textContent: 'window.ours = false'}),
};
try { ways[kind](); } catch { see(); }
";

/// Calls a command of the toolkit; tells how it ended.
const INVOKE: &str = "
const [command, given, done] = arguments;
window.__TAURI_INTERNALS__.invoke(command, given).then((reply) => done(['done', reply]), (why) => done(['refused', why]));
";

/// The toolkit's own, none of which the access list names.
const COMMANDS: [&str; 14] = [
    "plugin:event|emit",
    "plugin:event|emit_to",
    "plugin:event|listen",
    "plugin:window|close",
    "plugin:window|create",
    "plugin:window|set_title",
    "plugin:webview|create_webview_window",
    "plugin:webview|internal_toggle_devtools",
    "plugin:app|version",
    "plugin:path|resolve_directory",
    "plugin:resources|close",
    "plugin:menu|new",
    "plugin:shell|open",
    "no_such_command",
];
