//! System packages through apt-get: only what was named, no daemon started, `sudo` only when a person agreed.

use std::process::Command;

use anyhow::{Result, bail};

use super::Consent;
use crate::shell;

/// Installs these packages.
///
/// # Errors
/// When this is no Debian, when we are not root and nobody agreed to `sudo`, or when apt-get fails.
pub(super) fn install(packages: &[&str], consent: Consent) -> Result<()> {
    let wanted = packages.join(" ");
    if shell::found("apt-get").is_none() {
        bail!(
            "there is no apt-get here; install what Debian calls {wanted} with your own package manager and try again"
        );
    }
    let mut command = if shell::root() {
        Command::new("sh")
    } else {
        if consent == Consent::Ask && !shell::person() {
            bail!(
                "system packages are missing and nobody can be asked; run `apt-get install {wanted}` as root, or use --yes"
            );
        }
        if shell::found("sudo").is_none() {
            bail!("system packages are missing; run `apt-get install {wanted}` as root and try again");
        }
        let mut sudo = Command::new("sudo");
        sudo.arg("sh");
        sudo
    };
    eprintln!("Installing system packages: {wanted}");
    shell::run(command.args(["-c", SCRIPT, "sh"]).args(packages))
}

/// While packages are set up, a policy file of ours forbids their daemons to start; an older one is put back, also after a
/// run that was killed (the next run finds what it left). The lock timeout waits for an update running in the background.
/// What apt-get says, thousands of lines, is shown only when it fails, and then its end.
const SCRIPT: &str = r#"
set -eu
policy=/usr/sbin/policy-rc.d
saved=$policy.before-drawbridge
restore() { rm -f "$policy"; if [ -e "$saved" ]; then mv "$saved" "$policy"; fi; }
if [ -e "$policy" ] && ! grep -q 'set by cargo xtask' "$policy"; then mv "$policy" "$saved"; fi
trap restore EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\n# set by cargo xtask while it installs packages\nexit 101\n' > "$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
quietly() { "$@" > "$log" 2>&1 || { tail -n 40 "$log" >&2; rm -f "$log"; exit 1; }; }
quietly apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 update
quietly apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@"
rm -f "$log"
"#;
