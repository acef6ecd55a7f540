//! QR codes inside pages: one path of an SVG, since the pages' policy allows no images.

use fast_qr::QRBuilder;
use std::fmt::Write as _;

/// What a template draws: dark squares on light ground, in both themes, because cameras expect it.
pub(super) struct Drawing {
    /// Modules of each side, with the quiet zone.
    pub(super) size: usize,
    pub(super) path: String,
}

/// The code of a text; nothing where it is too long for one.
pub(super) fn draw(text: &str) -> Option<Drawing> {
    let code = QRBuilder::new(text).build().ok()?;
    let mut path = String::new();
    for (y, row) in code.data.chunks(code.size).take(code.size).enumerate() {
        for x in row.iter().enumerate().filter(|(_, module)| module.value()).map(|(x, _)| x) {
            write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
        }
    }
    Some(Drawing { size: code.size + 2 * QUIET, path })
}

/// Modules of light ground around the code (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_with_its_corners_and_its_quiet_zone() {
        let drawing = draw("otpauth://totp/Drawbridge:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let far = drawing.size - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            let line: String = (0..7).map(|step| format!("M{} {y}h1v1h-1z", x + step)).collect();
            assert!(drawing.path.contains(&line), "no corner at {x} {y}");
        }
        assert!(!drawing.path.contains(&format!("M{} ", QUIET - 1)));
        assert!(draw(&"x".repeat(5000)).is_none());
    }
}
