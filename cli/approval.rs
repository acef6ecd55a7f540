//! `drawbridge approval`.

use crate::{
    Asker, Failure,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{Approval, Device, Request};
use drawbridge_texts::Sentence;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List who gave a right password on a new device and waits for you
    List,
    /// Let one in; compare the number with the one on the device first
    Allow {
        /// Its id
        id: String,
        /// Also from now on, without asking about this device again
        #[arg(long)]
        always: bool,
    },
    /// Keep one out; nobody is asked about this account for ten minutes
    Refuse {
        /// Its id
        id: String,
    },
    /// List the devices that were let in for good, and the programs that were for a while
    Devices,
    /// Be asked about a device or program again
    Forget {
        /// Its id
        id: String,
    },
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    let done = match command {
        Command::List => {
            let approvals: Vec<Approval> = engine.ask(Request::ApprovalList).await?;
            output.print(&approvals, |approvals| {
                if approvals.is_empty() {
                    output.say(&Sentence::new("approvals-none"));
                }
                waiting(approvals, output)
            });
            return Ok(());
        }
        Command::Devices => {
            let devices: Vec<Device> = engine.ask(Request::DeviceList).await?;
            output.print(&devices, |devices| {
                if devices.is_empty() {
                    output.say(&Sentence::new("devices-none"));
                }
                known(devices, output)
            });
            return Ok(());
        }
        Command::Allow { id, always } => engine.value(Request::ApprovalAllow { id, always }).await?,
        Command::Refuse { id } => engine.value(Request::ApprovalRefuse { id }).await?,
        Command::Forget { id } => engine.value(Request::DeviceForget { id }).await?,
    };
    output.print(&done, |_| String::new());
    Ok(())
}

fn waiting(approvals: &[Approval], output: &Output) -> String {
    let row = |approval: &Approval| {
        let number = approval.number.map(|number| number.to_string());
        vec![
            approval.id.clone(),
            approval.user.clone(),
            number.unwrap_or_else(|| output.text(&Sentence::new("approval-program"))),
            approval.address.clone(),
            approval.agent.clone(),
            output.until(approval.expires),
        ]
    };
    output::table(&approvals.iter().map(row).collect::<Vec<_>>())
}

fn known(devices: &[Device], output: &Output) -> String {
    let row = |device: &Device| {
        let time = match (device.last_seen, device.expires) {
            (Some(seen), _) => output.seen(seen),
            (None, end) => end.map_or_else(String::new, |end| output.until(end)),
        };
        let (id, user) = (device.id.clone(), device.user.clone());
        vec![id, user, device.agent.clone(), device.network.clone().unwrap_or_default(), time]
    };
    output::table(&devices.iter().map(row).collect::<Vec<_>>())
}
