//! The desktop program for one test: on a private bus and display, for the home of a [`Trial`].

use super::{
    Trial, eventually_within,
    panel::{Item, Panel},
    session_bus::{Keyring, SessionBus},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat},
};

/// A desktop session, its panel if there is one, and the program in it.
pub(crate) struct Desktop {
    // Declared in the order they must go.
    program: Option<Child>,
    others: Vec<Child>,
    pub(crate) panel: Option<Panel>,
    pub(crate) bus: SessionBus,
    pub(crate) trial: Trial,
}

impl Desktop {
    /// A session with a panel; the program is not started yet.
    pub(crate) fn with_panel() -> Self {
        let mut this = Self::without_panel();
        this.panel = Some(Panel::start(&this.bus.bus_address()));
        this
    }

    /// A session without any panel.
    pub(crate) fn without_panel() -> Self {
        let bus = SessionBus::with_display(Keyring::Absent).expect("a session");
        Self { program: None, others: Vec::new(), panel: None, bus, trial: Trial::new() }
    }

    /// A session with Xfce's own window manager and panel.
    pub(crate) fn with_xfce() -> Self {
        let mut this = Self::without_panel();
        let home = this.bus.environment().into_iter().find(|(name, _)| name == "HOME").expect("a home").1;
        let settings = Path::new(&home).join(".config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&settings).expect("a folder");
        fs::write(settings.join("xfce4-panel.xml"), XFCE_PANEL).expect("a file");
        for (program, argument) in [("xfwm4", "--compositor=off"), ("xfce4-panel", "--disable-wm-check")] {
            let mut command = Command::new(program);
            command.envs(this.environment()).arg(argument).stdin(Stdio::null());
            this.others.push(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Xfce runs"));
        }
        this
    }

    /// Starts a real daemon that shows notifications (dunst).
    pub(crate) fn show_notifications(&mut self) {
        let mut command = Command::new("dunst");
        command.envs(self.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.others.push(command.spawn().expect("dunst runs"));
        let ready = || self.run("dunstctl", &["is-paused"]).trim() == "false";
        eventually_within(Duration::from_secs(20), "dunst answers", ready);
    }

    /// The display's pixels as rows of `0xRRGGBB`.
    pub(crate) fn pixels(&self) -> Vec<Vec<u32>> {
        let (connection, screen) = x11rb::connect(Some(self.bus.display())).expect("a display");
        let screen = connection.setup().roots.get(screen).expect("a screen");
        let (width, height) = (screen.width_in_pixels, screen.height_in_pixels);
        let asked = connection.get_image(ImageFormat::Z_PIXMAP, screen.root, 0, 0, width, height, u32::MAX);
        let image = asked.expect("sent").reply().expect("an image");
        let pixel = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        let row = |bytes: &[u8]| bytes.chunks_exact(4).map(pixel).collect();
        image.data.chunks_exact(usize::from(width) * 4).map(row).collect()
    }

    /// Keeps a picture of a part of the display (`x,y,width,height`) in a folder of its own, to be looked at.
    pub(crate) fn picture(&self, name: &str, part: &str) {
        let file = super::browser::pictures(name).join("display.png");
        self.run("scrot", &["--overwrite", "--autoselect", part, &file.display().to_string()]);
        assert!(file.exists(), "no picture was taken");
    }

    /// Starts the program and returns its tray item.
    pub(crate) fn start(&mut self) -> Item {
        self.launch();
        self.panel.as_ref().expect("a panel").item()
    }

    /// Starts the program.
    pub(crate) fn launch(&mut self) {
        self.program = Some(self.command().spawn().expect("the desktop program runs"));
    }

    /// The program with everything it needs, not yet run.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drawbridge-desktop"));
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment())
            .args(self.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::options().append(true).create(true).open(self.said()).expect("a file"));
        command
    }

    /// What any program needs to live in this session.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.bus.environment();
        let more = [("DISPLAY", self.bus.display()), ("NO_AT_BRIDGE", "1"), ("LANG", "C.UTF-8")];
        environment.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        environment
    }

    /// Which installation the program is for.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let keyring = format!("passphrase-file={}", self.trial.folder().join("passphrase").display());
        let (home, address) = (self.trial.home().display().to_string(), self.trial.address.to_string());
        ["--home", &home, "--keyring", &keyring, "--lan", &address].map(ToOwned::to_owned).to_vec()
    }

    /// The program's process number.
    pub(crate) fn pid(&self) -> u32 {
        self.program.as_ref().expect("the program runs").id()
    }

    /// What the program said on standard error.
    pub(crate) fn said(&self) -> PathBuf {
        self.trial.folder().join("desktop.err")
    }

    /// Waits until the program ended by itself, with success.
    pub(crate) fn ended(&mut self) {
        let program = self.program.as_mut().expect("the program runs");
        let mut status = None;
        eventually_within(Duration::from_secs(15), "the program ends", || {
            status = program.try_wait().expect("it is a child");
            status.is_some()
        });
        assert!(status.is_some_and(|status| status.success()), "it ended with {status:?}");
        self.program = None;
    }

    /// Runs a program of the session to its end; what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .envs(self.environment())
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs the program a second time for the same home; it must give way at once.
    pub(crate) fn start_again(&self) {
        let mut second = self.command().spawn().expect("the desktop program runs");
        let mut status = None;
        let start = std::time::Instant::now();
        while status.is_none() && start.elapsed() < Duration::from_secs(10) {
            status = second.try_wait().expect("it is a child");
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = second.kill();
        let _ = second.wait();
        assert!(status.is_some_and(|status| status.success()), "the second gives way: {status:?}");
    }

    /// Closes the window as the button in its title bar does.
    pub(crate) fn close_window(&self) {
        let (connection, _) = x11rb::connect(Some(self.bus.display())).expect("a display");
        let found = self.run("xdotool", &["search", "--onlyvisible", "--name", "^Drawbridge$"]);
        let window = found.lines().next().and_then(|id| id.parse().ok()).expect("the window is shown");
        let atom = |name: &str| {
            connection.intern_atom(false, name.as_bytes()).expect("sent").reply().expect("an atom").atom
        };
        let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
        let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        connection
            .send_event(false, window, EventMask::NO_EVENT, message)
            .expect("sent")
            .check()
            .expect("taken");
    }

    /// Titles of the windows on the display that have one and are shown.
    pub(crate) fn windows(&self) -> Vec<String> {
        let found = self.run("xdotool", &["search", "--onlyvisible", "--name", "."]);
        found.lines().map(|id| self.run("xdotool", &["getwindowname", id]).trim().to_owned()).collect()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for mut program in self.program.take().into_iter().chain(self.others.drain(..)) {
            let _ = program.kill();
            let _ = program.wait();
        }
        if std::thread::panicking() {
            eprintln!("the desktop program said:\n{}", fs::read_to_string(self.said()).unwrap_or_default());
        }
    }
}

/// One panel at the top with a tray and a clock, in the form Xfce keeps.
const XFCE_PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="icon-size" type="uint" value="22"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/></property>
    <property name="plugin-2" type="string" value="systray"><property name="square-icons" type="bool" value="true"/></property>
    <property name="plugin-3" type="string" value="clock"/>
  </property>
</channel>
"#;
