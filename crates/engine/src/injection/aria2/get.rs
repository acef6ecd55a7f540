//! JSON-RPC in an address: `?method=…&id=…&params=BASE64&jsoncallback=…`, or a whole call or batch in `params` alone.
//!
//! aria2 splits at `&`, knows these four names in this one spelling, and puts method and id between quotes without
//! looking at them, so here both are looked at. Method, id, callback and what aria2 does not know stay byte for byte.

use super::{Refused, json};
use crate::injection::query::{MOST_BYTES, decode, names};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use drawbridge_protocol::Secret;

/// Puts the secret into a query, given and returned without its question mark.
///
/// # Errors
/// When the request is not passed on.
pub(crate) fn inject(query: &str, secret: &Secret) -> Result<String, Refused> {
    if query.len() > MOST_BYTES {
        return Err(Refused::TooLarge);
    }
    let method = value(query, METHOD)?;
    let id = value(query, ID)?;
    value(query, CALLBACK)?;
    let theirs = value(query, PARAMETERS)?.map(json_of).transpose()?;
    let ours = if method.is_none() && id.is_none() {
        // aria2 takes the parameters for the whole call, or for a batch.
        let whole = json::inject(theirs.ok_or(Refused::Method)?.as_bytes(), secret)?;
        Some(String::from_utf8(whole).map_err(|_| Refused::Malformed)?)
    } else {
        let method = method.ok_or(Refused::Method)?;
        if !method.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')) {
            return Err(Refused::Method);
        }
        // A quote would end the text it is put into, and a backslash keep it from ending.
        if id.is_some_and(|id| {
            !id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
        }) {
            return Err(Refused::Malformed);
        }
        json::parameters(method, theirs.as_deref(), secret)?
    };
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(PARAMETERS)).collect();
    let ours = ours
        .map(|ours| format!("{PARAMETERS}{}", BASE64.encode(ours).replace('+', "%2B").replace('/', "%2F")));
    pairs.extend(ours.as_deref());
    let whole = pairs.join("&");
    if whole.len() > MOST_BYTES { Err(Refused::TooLarge) } else { Ok(whole) }
}

/// The value of one of aria2's names, if it is there and not empty.
fn value<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, Refused> {
    let mut found = None;
    for pair in query.split('&') {
        if let Some(value) = pair.strip_prefix(name) {
            if found.replace(value).is_some() {
                return Err(Refused::Ambiguous);
            }
        } else if names(pair, name.trim_end_matches('=')) {
            // Another program than aria2 may read this one too.
            return Err(Refused::Ambiguous);
        }
    }
    Ok(found.filter(|value| !value.is_empty()))
}

fn json_of(value: &str) -> Result<String, Refused> {
    let decoded = BASE64.decode(decode(value)).map_err(|_| Refused::Malformed)?;
    String::from_utf8(decoded).map_err(|_| Refused::Malformed)
}

/// The standard alphabet. aria2 wants the signs at the end, so they are written; clients may have left them out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const METHOD: &str = "method=";
const ID: &str = "id=";
const PARAMETERS: &str = "params=";
const CALLBACK: &str = "jsoncallback=";

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as CANONICAL;
    use proptest::prelude::*;

    fn inject_text(query: &str) -> Result<String, Refused> {
        inject(query, &Secret::new("s".into()))
    }

    fn encoded(text: &str) -> String {
        CANONICAL.encode(text)
    }

    /// What aria2 assembles of a query (`decodeGetParams` in its `json.cc`, 1.36 to 1.37).
    fn assembled(query: &str) -> String {
        let [mut method, mut id, mut parameters] = [""; 3];
        for pair in query.split('&') {
            if let Some(value) = pair.strip_prefix("method=") {
                method = value;
            } else if let Some(value) = pair.strip_prefix("id=") {
                id = value;
            } else if let Some(value) = pair.strip_prefix("params=") {
                parameters = value;
            }
        }
        let decoded = String::from_utf8(CANONICAL.decode(decode(parameters)).unwrap()).unwrap();
        if method.is_empty() && id.is_empty() {
            return decoded;
        }
        let mut whole = format!("{{\"method\":\"{method}\"");
        if !id.is_empty() {
            whole += &format!(",\"id\":\"{id}\"");
        }
        if !parameters.is_empty() {
            whole += &format!(",\"params\":{decoded}");
        }
        whole + "}"
    }

    #[test]
    fn aria2_assembles_a_call_with_our_secret() {
        let with = r#"{"method":"aria2.tellActive","id":"foo","params":["token:s"]}"#;
        for query in [
            "method=aria2.tellActive&id=foo".to_owned(),
            "method=aria2.tellActive&id=foo&params=".to_owned(),
            format!("params={}&method=aria2.tellActive&id=foo", encoded("[]")),
            format!("method=aria2.tellActive&id=foo&params={}", encoded(r#"["token:x"]"#)),
            format!(
                "method=aria2.tellActive&id=foo&params={}",
                encoded(r#"["token:x"]"#).trim_end_matches('=')
            ),
            format!(
                "method=aria2.tellActive&id=foo&params={}",
                encoded(r#"["token:x"]"#).replace('=', "%3d")
            ),
            format!(
                "method=aria2.tellActive&id=foo&params={}",
                encoded(" [ \"token:x\" ] ").replace('I', "%49")
            ),
        ] {
            assert_eq!(assembled(&inject_text(&query).unwrap()), with, "{query}");
        }
        let query = format!("params={}", encoded(r#"[{"id":"1","method":"aria2.tellActive"}]"#));
        let batch = r#"[{"id":"1","method":"aria2.tellActive","params":["token:s"]}]"#;
        assert_eq!(assembled(&inject_text(&query).unwrap()), batch);
        let calls = r#"[[{"methodName":"aria2.tellActive","params":["token:x"]}]]"#;
        let query = format!("method=system.multicall&id=m&params={}", encoded(calls));
        let ours = r#"{"method":"system.multicall","id":"m","params":[[{"methodName":"aria2.tellActive","params":["token:s"]}]]}"#;
        assert_eq!(assembled(&inject_text(&query).unwrap()), ours);
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let whole =
            inject_text("_=17&method=aria2.tellActive&jsoncallback=jQuery_1%2e&&id=f%22oo+&x=%zz").unwrap();
        let rest = "_=17&method=aria2.tellActive&jsoncallback=jQuery_1%2e&&id=f%22oo+&x=%zz&params=";
        assert_eq!(
            whole,
            format!("{rest}{}", encoded(r#"["token:s"]"#).replace('+', "%2B").replace('/', "%2F"))
        );
        assert_eq!(inject_text("method=system.listMethods&id=1").unwrap(), "method=system.listMethods&id=1");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for query in [
            "method=aria2.tellActive&method=nope&id=1",
            "method=aria2.tellActive&id=1&params=W10=&params=W10=",
            "method=aria2.tellActive&id=1&params=&params=W10=",
            "method=aria2.tellActive&id=1&id=2",
            "method=aria2.tellActive&id=1&%70arams=W10=",
            "method=aria2.tellActive&id=1&params",
            "method=aria2.tellActive&id=1&+params=W10=",
            "method=aria2.tellActive&id=1&%0bparams=W10=",
            "method=aria2.tellActive&id=1&Params[]=W10=",
            "method=aria2.tellActive&id=1&a=b;params=W10=",
            "%6dethod=nope&method=aria2.tellActive&id=1",
            "method=aria2.tellActive&id=1&jsoncallback=a&jsoncallback=b",
        ] {
            assert_eq!(inject_text(query), Err(Refused::Ambiguous), "{query}");
        }
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (query, why) in [
            ("", Refused::Method),
            ("jsoncallback=cb", Refused::Method),
            ("id=1", Refused::Method),
            ("method=&id=", Refused::Method),
            ("method=aria2%2etellActive&id=1", Refused::Method),
            ("method=aria2.tellActive\"&id=1", Refused::Method),
            ("method=aria2.x\\&id=,\"method\":\"aria2.shutdown", Refused::Method),
            ("method=aria2.tellActive&id=\\", Refused::Malformed),
            ("method=aria2.tellActive&id=\",\"params\":[\"token:x\"],\"a\":\"", Refused::Malformed),
            ("method=aria2.tellActive&id=é", Refused::Malformed),
            ("method=aria2.tellActive&id=1&params=+W10=", Refused::Malformed),
            ("method=aria2.tellActive&id=1&params=W1-_", Refused::Malformed),
            ("method=aria2.tellActive&id=1&params=W10=W10=", Refused::Malformed),
        ] {
            assert_eq!(inject_text(query), Err(why), "{query}");
        }
        // What follows would end the call early and begin another member.
        for text in [r#"["a"],"method":"nope""#, r#"["a"]} {"#, r#"{"a":1}"#, "\"token:x\""] {
            let query = format!("method=aria2.tellActive&id=1&params={}", encoded(text));
            assert!(matches!(inject_text(&query), Err(Refused::Malformed | Refused::Parameters)), "{text}");
        }
    }

    #[test]
    fn the_longest_query_passes_and_one_byte_more_does_not() {
        let query = |bytes: usize| {
            let rest = "method=nope&x=";
            format!("{rest}{}", "a".repeat(bytes - rest.len()))
        };
        assert!(inject_text(&query(MOST_BYTES)).is_ok());
        assert_eq!(inject_text(&query(MOST_BYTES + 1)), Err(Refused::TooLarge));
        let grows = query(MOST_BYTES).replace("nope&", "aria2.x&");
        assert_eq!(inject_text(&grows[..MOST_BYTES]), Err(Refused::TooLarge));
    }

    proptest! {
        #[test]
        fn twice_is_once_and_aria2_reads_no_token_but_ours(
            names in proptest::sample::subsequence(vec!["method=aria2.x", "id=1", "a=b", "jsoncallback=c"], 0..=4),
            text in prop_oneof![
                "[\\[\\]\"token:x, ]{0,16}",
                Just("[\"token:x\",\"\\u0074oken:y\"]".to_owned()),
                Just("[{\"method\":\"aria2.x\",\"params\":[\"token:x\"]}]".to_owned()),
            ],
        ) {
            let query = format!("{}&params={}", names.join("&"), encoded(&text));
            if let Ok(once) = inject_text(&query) {
                prop_assert_eq!(inject_text(&once).unwrap(), once.clone());
                let whole: serde_json::Value = serde_json::from_str(&assembled(&once)).unwrap();
                let calls = whole.as_array().cloned().unwrap_or_else(|| vec![whole]);
                for call in calls {
                    prop_assert_eq!(&call["params"][0], "token:s");
                    let next = call["params"][1].as_str().unwrap_or_default();
                    prop_assert!(!next.starts_with("token:"), "{}", call);
                }
            }
        }
    }
}
