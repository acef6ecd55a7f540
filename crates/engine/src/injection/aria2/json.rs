//! JSON-RPC as aria2 takes it: one call, or a batch; in `system.multicall` calls within the call.
//!
//! Read are the members of a call, its method and whether its first parameters are secrets. These are written anew.
//! Everything else is checked to be JSON and passed on as it was written, so that no number changes on the way.

use super::{
    Kind, MOST_BYTES, MOST_ITEMS, Refused, TOKEN,
    write::{Output, token},
};
use drawbridge_protocol::Secret;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{collections::BTreeSet, fmt};
use zeroize::Zeroizing;

/// Puts the secret into every call of a body.
///
/// # Errors
/// When the body is not passed on.
pub(crate) fn inject(body: &[u8], secret: &Secret) -> Result<Vec<u8>, Refused> {
    if body.len() > MOST_BYTES {
        return Err(Refused::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| Refused::Malformed)?;
    let whole: &RawValue = read(text)?;
    let mut output = Output::new(body.len());
    if whole.get().starts_with('[') {
        push_calls(&mut output, whole.get(), Level::Top, secret)?;
    } else {
        push_call(&mut output, whole.get(), Level::Top, secret)?;
    }
    Ok(output.into_text().into_bytes())
}

/// The parameters of one method with the secret; nothing where there are none and the method takes none.
///
/// # Errors
/// When the call is not passed on.
pub(super) fn parameters(
    method: &str,
    theirs: Option<&str>,
    secret: &Secret,
) -> Result<Option<String>, Refused> {
    let kind = Kind::of(method);
    if theirs.is_none() && kind == Kind::Plain {
        return Ok(None);
    }
    // Read once alone, so that blanks around it are gone and nothing follows it.
    let theirs = theirs.map(read::<&RawValue>).transpose()?.map(RawValue::get);
    let mut output = Output::new(theirs.map_or(0, str::len));
    push_parameters(&mut output, kind, theirs, secret)?;
    Ok(Some(output.into_text()))
}

/// Where a call stands.
#[derive(Clone, Copy)]
enum Level {
    Top,
    /// In a `system.multicall`.
    Within,
}

impl Level {
    /// What the member with the method's name is called there.
    fn method(self) -> &'static str {
        match self {
            Self::Top => "method",
            Self::Within => "methodName",
        }
    }
}

fn push_calls(output: &mut Output, text: &str, level: Level, secret: &Secret) -> Result<(), Refused> {
    output.push("[")?;
    output.push_list(list(text)?, |output, call| push_call(output, call.get(), level, secret))?;
    output.push("]")
}

fn push_call(output: &mut Output, text: &str, level: Level, secret: &Secret) -> Result<(), Refused> {
    let members = members(text)?;
    let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.get());
    let method = member(level.method()).ok_or(Refused::Method)?;
    let method: String = serde_json::from_str(method).map_err(|_| Refused::Method)?;
    output.push("{")?;
    for (name, value) in members.iter().filter(|(name, _)| name != level.method() && name != PARAMETERS) {
        output.push(&quoted(name)?)?;
        output.push(":")?;
        output.push(value.get())?;
        output.push(",")?;
    }
    output.push(&quoted(level.method())?)?;
    output.push(":")?;
    output.push(&quoted(&method)?)?;
    let (kind, theirs) = match (Kind::of(&method), level) {
        // aria2 refuses it there, whatever is in it, and says so; it gets nothing to look at.
        (Kind::Multicall, Level::Within) => (Kind::Plain, None),
        (kind, Level::Top | Level::Within) => (kind, member(PARAMETERS)),
    };
    if theirs.is_some() || kind != Kind::Plain {
        output.push(",\"params\":")?;
        push_parameters(output, kind, theirs, secret)?;
    }
    output.push("}")
}

fn push_parameters(
    output: &mut Output,
    kind: Kind,
    theirs: Option<&str>,
    secret: &Secret,
) -> Result<(), Refused> {
    let theirs = match theirs {
        Some(text) if text.starts_with('[') => list(text)?,
        Some(_) => return Err(Refused::Parameters),
        None => Vec::new(),
    };
    let mut kept = theirs.as_slice();
    while let Some((first, rest)) = kept.split_first()
        && is_token(first.get())?
    {
        kept = rest;
    }
    output.push("[")?;
    match kind {
        Kind::Secret => {
            output.push(&Zeroizing::new(quoted(&token(secret))?))?;
            for parameter in kept {
                output.push(",")?;
                output.push(parameter.get())?;
            }
        }
        Kind::Multicall => {
            let [calls] = kept else { return Err(Refused::Parameters) };
            push_calls(output, calls.get(), Level::Within, secret)?;
        }
        Kind::Plain => output.push_list(kept, |output, parameter| output.push(parameter.get()))?,
    }
    output.push("]")
}

/// Whether a value is a text that aria2 would take for a secret, however its letters are spelled.
fn is_token(value: &str) -> Result<bool, Refused> {
    Ok(value.starts_with('"') && read::<String>(value)?.starts_with(TOKEN))
}

fn quoted(text: &str) -> Result<String, Refused> {
    serde_json::to_string(text).map_err(|_| Refused::Malformed)
}

fn list(text: &str) -> Result<Vec<&RawValue>, Refused> {
    let items = read::<List<'_>>(text)?.0;
    if items.len() > MOST_ITEMS { Err(Refused::TooLarge) } else { Ok(items) }
}

fn members(text: &str) -> Result<Vec<(String, &RawValue)>, Refused> {
    let pairs = read::<Members<'_>>(text)?.0;
    if pairs.len() > MOST_MEMBERS {
        return Err(Refused::TooLarge);
    }
    let names: BTreeSet<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    if names.len() == pairs.len() { Ok(pairs) } else { Err(Refused::Ambiguous) }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|_| Refused::Malformed)
}

/// The values of an array, not looked into; one more than [`MOST_ITEMS`] where there are too many.
struct List<'a>(Vec<&'a RawValue>);

/// The members of an object in order, names read, values not; one more than [`MOST_MEMBERS`] where there are too many.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = List<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<List<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() <= MOST_ITEMS {
                    let Some(item) = sequence.next_element()? else { return Ok(List(items)) };
                    items.push(item);
                }
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                Ok(List(items))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a call")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut pairs = Vec::new();
                while pairs.len() <= MOST_MEMBERS {
                    let Some(pair) = map.next_entry()? else { return Ok(Members(pairs)) };
                    pairs.push(pair);
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Members(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

const PARAMETERS: &str = "params";
/// Members of one call (JSON-RPC has four; chosen: room for what clients add).
const MOST_MEMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inject_text(body: &str) -> Result<String, Refused> {
        inject(body.as_bytes(), &Secret::new("s".into())).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// What was asked of aria2 1.36 with its secret by hand, and what a browser would have sent without it.
    #[test]
    fn calls_become_those_that_aria2_answers() {
        for (theirs, ours) in [
            (
                r#"{"jsonrpc":"2.0","id":"a","method":"aria2.getGlobalStat"}"#,
                r#"{"jsonrpc":"2.0","id":"a","method":"aria2.getGlobalStat","params":["token:s"]}"#,
            ),
            (
                r#" { "params" : [ "2089b05ecca3d829" , [ "gid" ] ] , "id" : 1 , "method" : "aria2.tellStatus" } "#,
                r#"{"id":1,"method":"aria2.tellStatus","params":["token:s","2089b05ecca3d829",[ "gid" ]]}"#,
            ),
            (
                r#"[{"id":"1","method":"aria2.tellActive","params":["token:x"]},{"id":"2","method":"aria2.pauseAll"}]"#,
                r#"[{"id":"1","method":"aria2.tellActive","params":["token:s"]},{"id":"2","method":"aria2.pauseAll","params":["token:s"]}]"#,
            ),
            ("[]", "[]"),
            (
                r#"{"id":"m","method":"system.multicall","params":[[{"methodName":"aria2.tellActive","params":[["gid"]]},{"methodName":"aria2.getVersion"},{"methodName":"system.listMethods"}]]}"#,
                r#"{"id":"m","method":"system.multicall","params":[[{"methodName":"aria2.tellActive","params":["token:s",["gid"]]},{"methodName":"aria2.getVersion","params":["token:s"]},{"methodName":"system.listMethods"}]]}"#,
            ),
            (r#"{"id":"1","method":"system.listMethods"}"#, r#"{"id":"1","method":"system.listMethods"}"#),
            (
                r#"{"id":"1","method":"nope","params":["token:x",7]}"#,
                r#"{"id":"1","method":"nope","params":[7]}"#,
            ),
        ] {
            assert_eq!(inject_text(theirs).unwrap(), ours);
        }
    }

    #[test]
    fn no_spelling_of_a_visitors_own_token_passes() {
        let ours = r#"{"id":1,"method":"aria2.remove","params":["token:s","gid"]}"#;
        for token in [
            r#""token:x""#,
            r#""token:""#,
            r#""\u0074oken:x""#,
            r#""\u0074\u006F\u006b\u0065\u006e\u003a""#,
            r#""token:x","token:y""#,
            r#""token:x" , "\u0074oken:y""#,
        ] {
            let theirs = format!(r#"{{"id":1,"method":"aria2.remove","params":[ {token} ,"gid"]}}"#);
            assert_eq!(inject_text(&theirs).unwrap(), ours, "{token}");
            let theirs = theirs.replace("method", "m\\u0065thod").replace("params", "\\u0070arams");
            assert_eq!(inject_text(&theirs).unwrap(), ours, "{theirs}");
        }
        let multicall = r#"{"id":1,"method":"system.multicall","params":["token:x",[{"methodName":"aria2.remove","params":["token:x","gid"]},{"params":["token:x"],"methodName":"nope"}]]}"#;
        let ours = r#"{"id":1,"method":"system.multicall","params":[[{"methodName":"aria2.remove","params":["token:s","gid"]},{"methodName":"nope","params":[]}]]}"#;
        assert_eq!(inject_text(multicall).unwrap(), ours);
    }

    #[test]
    fn a_multicall_in_a_multicall_is_left_to_aria2_without_its_content() {
        let theirs = r#"{"id":1,"method":"system.multicall","params":[[{"methodName":"system.multicall","params":[[{"methodName":"aria2.shutdown","params":["token:x"]}]]}]]}"#;
        let ours = r#"{"id":1,"method":"system.multicall","params":[[{"methodName":"system.multicall"}]]}"#;
        assert_eq!(inject_text(theirs).unwrap(), ours);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for theirs in [
            r#"{"id":1,"method":"aria2.tellActive","method":"nope"}"#,
            r#"{"id":1,"method":"nope","m\u0065thod":"aria2.tellActive"}"#,
            r#"{"id":1,"method":"aria2.tellActive","params":[],"params":["token:x"]}"#,
            r#"{"id":1,"id":2,"method":"aria2.tellActive"}"#,
            r#"{"id":1,"method":"system.multicall","params":[[{"methodName":"nope","methodName":"aria2.shutdown"}]]}"#,
        ] {
            assert_eq!(inject_text(theirs), Err(Refused::Ambiguous), "{theirs}");
        }
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for (theirs, why) in [
            ("", Refused::Malformed),
            ("7", Refused::Malformed),
            ("[7]", Refused::Malformed),
            ("[[]]", Refused::Malformed),
            ("{'id':1}", Refused::Malformed),
            (r#"{"id":1,"method":"aria2.tellActive"} trailing"#, Refused::Malformed),
            (r#"{"id":1,"method":"aria2.tellActive"}{}"#, Refused::Malformed),
            (r#"{"id":1,"method":"aria2.tellActive","params":["\ud800token:x"]}"#, Refused::Malformed),
            (r#"{"id":1}"#, Refused::Method),
            (r#"{"id":1,"method":7}"#, Refused::Method),
            (r#"{"id":1,"Method":"aria2.tellActive"}"#, Refused::Method),
            (r#"{"id":1,"method":"aria2.tellActive","params":null}"#, Refused::Parameters),
            (r#"{"id":1,"method":"aria2.tellActive","params":{"secret":"token:x"}}"#, Refused::Parameters),
            (r#"{"id":1,"method":"nope","params":"token:x"}"#, Refused::Parameters),
            (r#"{"id":1,"method":"system.multicall"}"#, Refused::Parameters),
            (r#"{"id":1,"method":"system.multicall","params":[[],[]]}"#, Refused::Parameters),
            (r#"{"id":1,"method":"system.multicall","params":[{}]}"#, Refused::Malformed),
            (r#"{"id":1,"method":"system.multicall","params":[[{}]]}"#, Refused::Method),
        ] {
            assert_eq!(inject_text(theirs), Err(why), "{theirs}");
        }
        assert_eq!(inject(b"{\"id\":\"\xff\"}", &Secret::new("s".into())), Err(Refused::Malformed));
    }

    #[test]
    fn no_number_and_no_other_value_changes() {
        let rest = r#"12345678901234567890123,-0,1.50e3,1E400,{"a":1,"a":[2]},"\u00e9\/",null"#;
        let whole = inject_text(&format!(r#"{{"id":1.0,"method":"aria2.x","params":[{rest}]}}"#)).unwrap();
        assert_eq!(whole, format!(r#"{{"id":1.0,"method":"aria2.x","params":["token:s",{rest}]}}"#));
    }

    #[test]
    fn secrets_are_quoted() {
        let body = inject(br#"{"id":1,"method":"aria2.x"}"#, &Secret::new(r#"a"],\b"#.into())).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["params"], serde_json::json!([r#"token:a"],\b"#]));
    }

    #[test]
    fn deep_values_cost_no_stack() {
        let deep = "[".repeat(500_000) + &"]".repeat(500_000);
        let theirs = format!(r#"{{"id":1,"method":"aria2.x","params":[{deep}]}}"#);
        assert!(inject_text(&theirs).is_ok());
        assert_eq!(inject_text(&deep), Err(Refused::Malformed));
    }

    #[test]
    fn limits_hold_at_and_above() {
        let call = r#"{"id":1,"method":"aria2.x"}"#;
        let batch = |count: usize| format!("[{}]", vec![call; count].join(","));
        assert!(inject_text(&batch(MOST_ITEMS)).is_ok());
        assert_eq!(inject_text(&batch(MOST_ITEMS + 1)), Err(Refused::TooLarge));
        let parameters =
            |count: usize| format!(r#"{{"method":"aria2.x","params":[{}]}}"#, vec!["0"; count].join(","));
        assert!(inject_text(&parameters(MOST_ITEMS)).is_ok());
        assert_eq!(inject_text(&parameters(MOST_ITEMS + 1)), Err(Refused::TooLarge));
        let members = |count: usize| {
            let others: Vec<String> = (1..count).map(|index| format!("\"{index}\":0")).collect();
            format!("{{\"method\":\"nope\",{}}}", others.join(","))
        };
        assert!(inject_text(&members(MOST_MEMBERS)).is_ok());
        assert_eq!(inject_text(&members(MOST_MEMBERS + 1)), Err(Refused::TooLarge));
        let long = |bytes: usize| format!(r#"{{"method":"nope","id":"{}"}}"#, "a".repeat(bytes - 25));
        assert_eq!(inject_text(&long(MOST_BYTES)).unwrap().len(), MOST_BYTES);
        assert_eq!(inject_text(&long(MOST_BYTES + 1)), Err(Refused::TooLarge));
        // Short calls must not become more than they may be together.
        let secret = Secret::new("s".repeat(4096));
        assert_eq!(inject(batch(MOST_ITEMS).as_bytes(), &secret), Err(Refused::TooLarge));
    }

    /// A text of JSON in which any letter may be escaped.
    fn spelled(text: &'static str) -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<bool>(), text.len()).prop_map(move |escaped| {
            let letters = text.chars().zip(escaped);
            let spelled = letters.map(|(letter, is_escaped)| {
                if is_escaped { format!("\\u{:04x}", u32::from(letter)) } else { letter.to_string() }
            });
            format!("\"{}\"", spelled.collect::<String>())
        })
    }

    fn parameter() -> impl Strategy<Value = String> {
        prop_oneof![
            spelled("token:VISITOR"),
            spelled("gid"),
            Just("7.50".to_owned()),
            Just("[\"token:inner\"]".to_owned()),
            Just("null".to_owned()),
        ]
    }

    fn one(names: [&'static str; 2]) -> impl Strategy<Value = String> {
        let method = prop_oneof![
            spelled("aria2.addUri"),
            spelled("system.listMethods"),
            spelled("system.multicall"),
            spelled("nope")
        ];
        let parameters = proptest::option::of(proptest::collection::vec(parameter(), 0..4));
        (spelled(names[0]), method, spelled(names[1]), parameters).prop_map(
            |(name, method, key, parameters)| {
                let parameters = parameters.map(|list| format!(",{key}:[{}]", list.join(",")));
                format!("{{{name}:{method}{}}}", parameters.unwrap_or_default())
            },
        )
    }

    fn body() -> impl Strategy<Value = String> {
        let nested = proptest::collection::vec(one(["methodName", "params"]), 0..4);
        prop_oneof![
            one(["method", "params"]),
            proptest::collection::vec(one(["method", "params"]), 0..4)
                .prop_map(|calls| format!("[{}]", calls.join(","))),
            nested.prop_map(|calls| {
                format!(r#"{{"id":1,"method":"system.multicall","params":[[{}]]}}"#, calls.join(","))
            }),
        ]
    }

    /// What aria2 would take for a secret, in every call it would make.
    fn tokens(value: &serde_json::Value, name: &str) -> Vec<String> {
        let Some(call) = value.as_object() else {
            return value.as_array().into_iter().flatten().flat_map(|call| tokens(call, name)).collect();
        };
        let parameters = call.get("params").and_then(|list| list.as_array()).cloned().unwrap_or_default();
        // aria2 takes one away; a second one in front would be a visitor's that passed.
        let texts = parameters.iter().map_while(|value| value.as_str());
        let mut found: Vec<String> =
            texts.take_while(|text| text.starts_with("token:")).map(str::to_owned).collect();
        let is_ours = call[name].as_str().unwrap().starts_with("aria2.");
        assert_eq!(!found.is_empty(), is_ours, "{value}");
        if call[name] == "system.multicall" {
            found.extend(parameters.first().map(|calls| tokens(calls, "methodName")).unwrap_or_default());
        }
        found
    }

    proptest! {
        #[test]
        fn twice_is_once_and_no_token_but_ours_passes(body in body()) {
            if let Ok(once) = inject_text(&body) {
                prop_assert_eq!(inject_text(&once).unwrap(), once.clone());
                let value = serde_json::from_str(&once).unwrap();
                for token in tokens(&value, "method") {
                    prop_assert_eq!(token, "token:s");
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(body in "[\\[\\]{}\":, a-z0-9\\\\.]{0,64}") {
            if let Ok(once) = inject_text(&body) {
                prop_assert_eq!(inject_text(&once).unwrap(), once);
            }
        }
    }
}
