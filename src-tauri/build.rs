//! Prepares the desktop program: Tauri's context with our one command. Without the feature `gui` it does nothing.

fn main() {
    #[cfg(feature = "gui")]
    gui();
}

#[cfg(feature = "gui")]
#[expect(clippy::panic, reason = "a build script tells cargo of its failure this way")]
fn gui() {
    if !std::path::Path::new("ui/dist/index.html").exists() {
        println!(
            "cargo::error=the window is not built yet; run first: npm --prefix ui ci && npm --prefix ui run build"
        );
        println!("cargo::rerun-if-changed=ui/dist/index.html");
        return;
    }
    println!("cargo::rerun-if-changed=ui/dist");
    // Not watched by tauri-build, which expects them elsewhere; what the window may do must never be yesterday's.
    println!("cargo::rerun-if-changed=src-tauri/capabilities");
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().commands(&["ask"]));
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("{error:#}");
    }
}
