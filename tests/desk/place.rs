//! Places in the window, named as a person would: by what is written there.

/// A button by its words, or by its name where it shows a picture only.
pub(super) fn button(name: &str) -> String {
    format!("//button[normalize-space()='{name}' or @aria-label='{name}']")
}

/// An entry of the list of panels.
pub(super) fn tab(name: &str) -> String {
    format!("//*[@role='tab'][normalize-space()='{name}']")
}

/// The input a label belongs to.
pub(super) fn field(label: &str) -> String {
    format!("//*[@id=//label[normalize-space()='{label}']/@for]")
}

/// The radio button or checkbox whose label begins like this.
pub(super) fn choice(label: &str) -> String {
    format!("//label[starts-with(normalize-space(), '{label}')]//input")
}

/// The place inside the open dialog.
pub(super) fn dialog(place: &str) -> String {
    format!("//*[@role='dialog' or @role='alertdialog']{place}")
}

/// What stands about one tool or person.
pub(super) fn card(name: &str) -> String {
    format!("//article[contains(@aria-label, '{name}')]")
}

/// One of a tool's levels.
pub(super) fn level(tool: &str, level: &str) -> String {
    format!("{}//*[@role='radio'][normalize-space()='{level}']", card(tool))
}

/// The first share address.
pub(super) fn address() -> String {
    "(//*[contains(@class, 'address')]/bdi)[1]".to_owned()
}

/// Something shown only once, by its label.
pub(super) fn secret(label: &str) -> String {
    format!("//output[@aria-labelledby=//span[normalize-space()='{label}']/@id]")
}
