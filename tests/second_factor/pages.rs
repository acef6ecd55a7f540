//! The pages in a real browser: for everybody, in light and dark, on a desk and on the narrowest phone.

use super::enrol;
use crate::support::{Recorder, Trial, browser::Script, trial::PASSWORD};
use serde_json::json;
use std::path::Path;

#[test]
fn second_factor_and_account_pages_can_be_used_by_everybody() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    trial.add_user("bert", PASSWORD);
    let (_, codes) = enrol(&trial, "anna");
    trial.ok(&["tool", "add", "Closed", &tool.url()]);
    trial.ok(&["level", "Closed", "lan"]);
    let closed = trial.json(&["pass", "create", "Closed"]);
    trial.ok(&["level", "Closed", "local"]);
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/node_modules/axe-core/axe.min.js");
    assert!(axe.is_file(), "axe-core; `npm --prefix ui ci` brings it");
    let steps = Script::run(
        "account-pages.mjs",
        "pages-account",
        json!({
            "gate": trial.gate(),
            "axe": axe,
            "pass": trial.json(&["pass", "create", "Tool", "--read-only"])["url"],
            "closed": closed["url"],
            "invite": trial.json(&["user", "invite", "Cora Müller"])["url"],
            "anna": {"username": "anna", "password": PASSWORD, "codes": codes},
            "bert": {"username": "bert", "password": PASSWORD},
            "caPem": trial.authority(),
        }),
    );
    assert_eq!(steps.len(), 96, "twenty-four pages in four looks: {steps:?}");
}
