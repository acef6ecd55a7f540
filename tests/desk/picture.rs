//! The tray in a real panel: Xfce's shows the icon and opens the menu. The pictures are there to be looked at.

use crate::support::{Recorder, desktop::Desktop, eventually, trial::PASSWORD};

/// The bridge in the drawing for the local network (`icons/tray/lan-dark.svg`).
const GREEN: u32 = 0x005f_d6a0;
/// Height of the panel, pixels.
const PANEL: usize = 32;

#[test]
fn xfce_shows_the_icon_for_what_is_true_and_opens_the_menu() {
    let mut desktop = Desktop::with_xfce();
    desktop.launch();
    eventually("the engine answers", || desktop.trial.run(&["status"]).status.success());
    let recorder = Recorder::start();
    desktop.trial.add_user("anna", PASSWORD);
    desktop.trial.ok(&["tool", "add", "Notebook", &recorder.url()]);
    desktop.trial.ok(&["tool", "add", "Photos & films", "9"]);
    assert!(green(&desktop).is_none(), "nothing is open yet");
    desktop.trial.ok(&["level", "Notebook", "lan"]);
    let mut seen = None;
    eventually("the panel shows that it is open", || {
        seen = green(&desktop);
        seen.is_some()
    });
    desktop.picture("desk-panel", "760,0,520,240");
    let (x, y) = seen.expect("just seen");
    let pixels = desktop.pixels();
    desktop.run("xdotool", &["mousemove", &x.to_string(), &y.to_string(), "click", "3"]);
    eventually("the menu covers what is below the panel", || changed(&pixels, &desktop.pixels()) > 10_000);
    desktop.picture("desk-panel-menu", "760,0,520,240");
}

/// Where the panel is green.
fn green(desktop: &Desktop) -> Option<(usize, usize)> {
    let pixels = desktop.pixels();
    let row = |y: usize| pixels[y].iter().position(|pixel| *pixel == GREEN).map(|x| (x, y));
    (0..PANEL).find_map(row)
}

/// How many pixels below the panel differ.
fn changed(before: &[Vec<u32>], after: &[Vec<u32>]) -> usize {
    let rows = before.iter().zip(after).skip(PANEL);
    rows.map(|(before, after)| before.iter().zip(after).filter(|(before, after)| before != after).count())
        .sum()
}
