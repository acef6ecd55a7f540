//! `drawbridge user passkeys` and `passkey-remove`. People add them themselves, at the gate.

use crate::{
    Asker, Failure,
    output::{self, Output},
    user,
};
use drawbridge_protocol::{Passkey, Request, User};
use drawbridge_texts::Sentence;

pub(crate) async fn list(engine: &mut Asker, name: String, output: &Output) -> Result<(), Failure> {
    let keys: Vec<Passkey> = engine.ask(Request::UserPasskeys { name }).await?;
    output.print(&keys, |keys| table(keys, output));
    Ok(())
}

pub(crate) async fn remove(
    engine: &mut Asker,
    name: String,
    id: String,
    output: &Output,
) -> Result<(), Failure> {
    let user: User = engine.ask(Request::UserPasskeyRemove { name, id }).await?;
    output.say(&Sentence::new("passkey-gone").with("name", &user.name));
    output.print(&user, |user| user::table(std::slice::from_ref(user), output));
    Ok(())
}

fn table(keys: &[Passkey], output: &Output) -> String {
    let row = |key: &Passkey| {
        let used = key.last_used.map_or_else(String::new, |used| output.seen(used));
        vec![key.id.clone(), key.name.clone(), key.host.clone(), used]
    };
    output::table(&keys.iter().map(row).collect::<Vec<_>>())
}
