//! A tool whose pages and service worker are hostile, in a real browser on both protocols: what it reaches of the gate,
//! and what the codes are worth that its worker takes.

use super::{
    Door,
    tool::{Asked, Tool},
};
use crate::support::{Trial, browser::Script, trial::PASSWORD};
use serde_json::json;

/// Keeps what the hand-off sends instead of letting the browser through.
const WORKER: &str = "self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (!url.pathname.startsWith('/.drawbridge/')) return;
  event.respondWith((async () => {
    const store = await caches.open('kept');
    await store.put('/kept', new Response(JSON.stringify({ query: url.search })));
    return new Response('<p>mine</p>', { headers: { 'content-type': 'text/html' } });
  })());
});";

fn serve(asked: &Asked) -> Vec<u8> {
    let path = asked.line.split(' ').nth(1).unwrap_or_default();
    let (kind, body) = match path {
        "/sw.js" => ("text/javascript\r\nservice-worker-allowed: /", WORKER),
        _ => ("text/html", "<!doctype html><title>Tool</title><p>tool</p>"),
    };
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[test]
fn a_hostile_tool_reaches_neither_account_nor_sign_in_and_its_worker_takes_nothing_of_use() {
    for flags in [&[][..], &["--disable-http2"]] {
        let tool = Tool::answering(serve);
        let trial = Trial::sharing(&tool.url(), "lan");
        trial.add_user("mallory", "mallory has a long password");
        let (door, gate) = (Door::of(&trial, "Tool"), Door::gate(&trial));
        let steps = Script::run(
            "hostile-tool.mjs",
            "hostile-tool",
            json!({"url": trial.url("Tool"), "gate": trial.gate(), "username": "anna", "password": PASSWORD,
                   "caPem": trial.authority(), "flags": flags}),
        );
        assert_eq!(steps.len(), 6, "{steps:?}");
        let sessions = trial.json(&["session", "list"]);
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "one sign-in, of anna: {sessions}");
        assert_eq!(trial.json(&["token", "list"]), json!([]));
        let raw = tool.raw();
        assert!(!raw.contains(PASSWORD) && !raw.contains("__Host-"), "no password, no cookie of ours");
        // The worker sees the code go by, unused: it stands in the address of its own origin. In no other browser is it worth
        // anything.
        let kept = steps[5]["kept"].as_array().expect("a list");
        assert_eq!(kept.len(), 1, "{kept:?}");
        for one in kept {
            let query = one["query"].as_str().and_then(|query| query.strip_prefix('?')).expect("a query");
            assert!(query.starts_with("code="), "{query}");
            let reply = door.ask(&format!("GET /.drawbridge/enter?{query}"), &["accept: text/html"]);
            let reply = reply.expect("an answer");
            assert_eq!(reply.status, 403, "{}", reply.head);
            assert!(reply.cookie("drawbridge-").is_none());
            assert_eq!(gate.status(&format!("GET /account?{query}"), &[]), 303);
        }
    }
}
