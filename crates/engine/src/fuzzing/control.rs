//! What a program says on the control socket.

use super::text;
use drawbridge_protocol::{Request, Secret, SecretField};

/// The JSON of a request.
pub fn control(bytes: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return };
    let value = serde_json::to_value(&request).unwrap();
    let again: Request = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), value, "what a shell writes is what was read");
    assert_eq!(request.is_change(), again.is_change());
    for secret in secrets(&request) {
        let hidden = format!("{:?}", SecretField::from(Secret::new("x".to_owned())));
        assert_eq!(format!("{secret:?}"), hidden, "a secret can be printed");
    }
    assert!(text(bytes).is_some(), "JSON is text");
}

fn secrets(request: &Request) -> Vec<&SecretField> {
    match request {
        Request::UserAdd(user) => user.password.iter().collect(),
        Request::UserImport(import) => vec![&import.lines],
        Request::PasswordCheck { password, .. } => vec![password],
        Request::UserPassword { password, .. } => password.iter().collect(),
        Request::CertificateImport { key_pem, .. } => vec![key_pem],
        Request::RecoveryUse { code } => vec![code],
        _ => Vec::new(),
    }
}
