//! An authenticator app: RFC 6238 written again from the RFCs, so that both ends do not share a mistake.

use std::time::{SystemTime, UNIX_EPOCH};

/// An app that scanned a QR code.
#[derive(Clone)]
pub(crate) struct App(Vec<u8>);

impl App {
    /// Takes what `otpauth://totp/…` says.
    pub(crate) fn scan(uri: &str) -> Self {
        let (path, query) = uri.split_once('?').expect("a query");
        assert!(path.starts_with("otpauth://totp/Drawbridge:"), "{uri}");
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        assert_eq!(value("issuer"), "Drawbridge");
        Self::typed(value("secret"))
    }

    /// Takes the seed as somebody types it.
    pub(crate) fn typed(seed: &str) -> Self {
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for letter in seed.bytes().filter(|letter| !letter.is_ascii_whitespace()) {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => panic!("no base 32: {seed}"),
            };
            bits = bits << 5 | u32::from(digit);
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).expect("a byte"));
            }
        }
        assert_eq!(bytes.len(), 20, "160 bits");
        Self(bytes)
    }

    /// What it was told.
    pub(crate) fn seed(&self) -> &[u8] {
        &self.0
    }

    /// The code it shows so many steps of thirty seconds from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / 30;
        self.code_of(now.checked_add_signed(steps).expect("a step"))
    }

    /// Waits until the step is young, so that what follows happens in it.
    pub(crate) fn settle() {
        let second = || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
            now % 30
        };
        super::eventually_within(std::time::Duration::from_secs(31), "a new step", || second() < 20);
    }

    fn code_of(&self, step: u64) -> String {
        let tag = hmac(&self.0, &step.to_be_bytes());
        let offset = usize::from(tag[19] & 0xf);
        let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes"));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}

/// RFC 2104 over SHA-1.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 20] {
    let pad =
        |with: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ with).collect() };
    let inner = sha1(&[pad(0x36), message.to_vec()].concat());
    sha1(&[pad(0x5c), inner.to_vec()].concat())
}

/// RFC 3174.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().expect("four bytes"))).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mix, constant) = match at {
                0..20 => (b & c | !b & d, 0x5a82_7999_u32),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next.wrapping_add(*word));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[test]
fn the_app_of_the_tests_shows_the_codes_of_the_rfc() {
    let app = App(b"12345678901234567890".to_vec());
    for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
        assert_eq!(app.code_of(time / 30), code);
    }
}
