//! `drawbridge events`: always JSON, one object per line.

use crate::{Asker, Failure, output};

pub(crate) async fn run(engine: Asker) -> Result<(), Failure> {
    let Asker::Client(client) = engine else { return Ok(()) };
    let mut events = client.events().await?;
    while let Some(event) = events.next().await? {
        output::line(&serde_json::to_string(&event).unwrap_or_default());
    }
    Ok(())
}
