//! XML-RPC: real requests of aria2's clients, every spelling of a token, and what is refused.

use super::*;
use proptest::prelude::*;

fn inject_text(body: &str) -> Result<String, Refused> {
    inject(body.as_bytes(), &Secret::new("s".into())).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn call(method: &str, parameters: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
    )
}

fn parameters(values: &[&str]) -> String {
    values.iter().map(|value| format!("<param><value>{value}</value></param>")).collect()
}

const OURS: &str = "<string>token:s</string>";

#[test]
fn calls_become_those_that_aria2_answers() {
    // As Python's xmlrpc.client writes it.
    let python = "<?xml version='1.0'?>\n<methodCall>\n<methodName>aria2.tellWaiting</methodName>\n<params>\n<param>\n\
                  <value><int>-1</int></value>\n</param>\n<param>\n<value><array><data>\n<value><string>gid</string></value>\n\
                  </data></array></value>\n</param>\n</params>\n</methodCall>\n";
    let whole = call(
        "aria2.tellWaiting",
        &parameters(&[
            OURS,
            "<int>-1</int>",
            "<array><data><value><string>gid</string></value></data></array>",
        ]),
    );
    assert_eq!(inject_text(python).unwrap(), whole);
    for bare in ["<methodCall><methodName>aria2.x</methodName></methodCall>", &call("aria2.x", "")] {
        assert_eq!(inject_text(bare).unwrap(), call("aria2.x", &parameters(&[OURS])));
    }
    assert_eq!(
        inject_text("<methodCall><methodName>system.listMethods</methodName></methodCall>").unwrap(),
        call("system.listMethods", "")
    );
    assert_eq!(
        inject_text(&call("nope", &parameters(&["token:x", "a"]))).unwrap(),
        call("nope", &parameters(&["<string>a</string>"]))
    );
}

#[test]
fn no_spelling_of_a_visitors_own_token_passes() {
    let ours = call("aria2.remove", &parameters(&[OURS, "<string>gid</string>"]));
    for token in [
        "token:x",
        "<string>token:x</string>",
        " <string>token:</string> ",
        "&#116;oken:x",
        "&#x74;oken&#58;x",
        "<![CDATA[token:x]]>",
        "<![CDATA[tok]]>en:x",
        "tok<!-- a -->en:x",
        "<!-- a --><string>token:x</string>",
        "<base64>dG9rZW46eA==</base64>",
        "<base64> dG9r\nZW46eA== </base64>",
    ] {
        assert_eq!(
            inject_text(&call("aria2.remove", &parameters(&[token, "gid"]))).unwrap(),
            ours,
            "{token}"
        );
        let twice = call("aria2.remove", &parameters(&[token, "token:y", "gid"]));
        assert_eq!(inject_text(&twice).unwrap(), ours, "{token}");
    }
    for forgotten in ["", "<boolean>1</boolean>", "<dateTime.iso8601>20261121T17:30:00</dateTime.iso8601>"] {
        let theirs = call("aria2.remove", &parameters(&[forgotten, "token:x", "gid"]));
        let ours = call("aria2.remove", &parameters(&[OURS, forgotten, "<string>gid</string>"]));
        assert_eq!(inject_text(&theirs).unwrap(), ours, "{forgotten}");
    }
}

fn multicall(structs: &str) -> String {
    call("system.multicall", &parameters(&[&format!("<array><data>{structs}</data></array>")]))
}

fn within(method: &str, values: &str) -> String {
    format!(
        "<value><struct><member><name>methodName</name><value><string>{method}</string></value></member><member>\
         <name>params</name><value><array><data>{values}</data></array></value></member></struct></value>"
    )
}

#[test]
fn calls_in_a_multicall_get_it_one_by_one() {
    let theirs = multicall(
        &[
            within("aria2.remove", "<value>token:x</value><value>gid</value>"),
            within("nope", "<value>token:x</value>"),
            within("system.multicall", &within("aria2.shutdown", "<value>token:x</value>")),
            "<value><struct><member><name>methodName</name><value>aria2.x</value></member></struct></value>"
                .to_owned(),
        ]
        .concat(),
    );
    let ours = multicall(
        &[
            within(
                "aria2.remove",
                "<value><string>token:s</string></value><value><string>gid</string></value>",
            ),
            within("nope", ""),
            within("system.multicall", ""),
            within("aria2.x", "<value><string>token:s</string></value>"),
        ]
        .concat(),
    );
    assert_eq!(inject_text(&theirs).unwrap(), ours);
}

#[test]
fn values_keep_what_they_mean() {
    let values = [
        "<string></string>",
        "<string> a&lt;&gt;&amp;&apos;&quot;&#13;\n\té</string>",
        "<int>-2147483648</int>",
        "<boolean>0</boolean>",
        "<double>-1.50e3</double>",
        "<base64>AP8=</base64>",
        "<struct><member><name>a</name><value><string>b</string></value></member></struct>",
        "",
    ];
    let mut with = vec![OURS];
    with.extend(values);
    assert_eq!(
        inject_text(&call("aria2.x", &parameters(&values))).unwrap(),
        call("aria2.x", &parameters(&with))
    );
}

#[test]
fn what_xml_rpc_does_not_have_is_refused() {
    let whole = call("aria2.x", "");
    for theirs in [
        "".to_owned(),
        "<methodCall/>".to_owned(),
        "<methodCall><methodName>aria2.x</methodName>".to_owned(),
        format!("{whole}<a/>"),
        format!("{whole}x"),
        format!("{whole}{whole}"),
        format!(" {whole}"),
        format!("\u{feff}{whole}\u{feff}"),
        "<!DOCTYPE x><methodCall><methodName>aria2.x</methodName></methodCall>".to_owned(),
        call("aria2.x", "<?php x?>"),
        call("aria2.x", "<?xml version=\"1.0\"?>"),
        call("aria2.x", &parameters(&["&t;"])),
        call("aria2.x", &parameters(&["&#0;"])),
        call("aria2.x", &parameters(&["&#1;"])),
        call("aria2.x", &parameters(&["\u{1}"])),
        call("aria2.x", &parameters(&["a & b"])),
        call("aria2.x", &parameters(&["a<string>b</string>"])),
        call("aria2.x", &parameters(&["<string>a</string>b"])),
        call("aria2.x", &parameters(&["<string>a</string><string>token:x</string>"])),
        call("aria2.x", &parameters(&["<nil/>"])),
        call("aria2.x", &parameters(&["<String>a</String>"])),
        call("aria2.x", &parameters(&["<string a=\"b\">a</string>"])),
        call("aria2.x", &parameters(&["<double>token:x</double>"])),
        call("aria2.x", &parameters(&["<int>99999999999</int>"])),
        call("aria2.x", &parameters(&["<boolean>2</boolean>"])),
        call("aria2.x", &parameters(&["<base64>%</base64>"])),
        call("aria2.x", &parameters(&["<array><value>a</value></array>"])),
        call("aria2.x", &parameters(&["<array><data/><data/></array>"])),
        call("aria2.x", "<param><value>a</value><value>token:x</value></param>"),
        call("aria2.x", "<param><x/><value>a</value></param>"),
        call("aria2.x</methodName><methodName>nope", ""),
        call("aria2.x", "</params><params>"),
        call("aria2.x<a/>", ""),
        multicall("<value>aria2.x</value>"),
    ] {
        assert_eq!(inject_text(&theirs), Err(Refused::Malformed), "{theirs}");
    }
    let double = "<member><name>methodName</name><value>nope</value></member>".repeat(2);
    assert_eq!(
        inject_text(&multicall(&format!("<value><struct>{double}</struct></value>"))),
        Err(Refused::Ambiguous)
    );
    assert_eq!(inject_text(&multicall("<value><struct></struct></value>")), Err(Refused::Method));
    let encoded = "<value><struct><member><name>methodName</name><value><base64>YXJpYTIueA==</base64></value></member></struct></value>";
    assert_eq!(inject_text(&multicall(encoded)), Err(Refused::Method));
    assert_eq!(inject_text(&call("system.multicall", "")), Err(Refused::Parameters));
    let named = within("aria2.x", "").replace("<array><data></data></array>", "token:x");
    assert_eq!(inject_text(&multicall(&named)), Err(Refused::Parameters));
}

#[test]
fn limits_hold_at_and_above() {
    let deep = |depth: usize| {
        let value = "<value><array><data>".repeat(depth - 1)
            + "<value/>"
            + &"</data></array></value>".repeat(depth - 1);
        call("nope", &format!("<param>{value}</param>"))
    };
    assert!(inject_text(&deep(read::MOST_DEPTH)).is_ok());
    assert_eq!(inject_text(&deep(read::MOST_DEPTH + 1)), Err(Refused::TooLarge));
    let wide = |values: usize| {
        call(
            "nope",
            &parameters(&[&format!("<array><data>{}</data></array>", "<value/>".repeat(values - 1))]),
        )
    };
    assert!(inject_text(&wide(read::MOST_VALUES)).is_ok());
    assert_eq!(inject_text(&wide(read::MOST_VALUES + 1)), Err(Refused::TooLarge));
    let members = |count: usize| {
        let members: String =
            (0..count).map(|index| format!("<member><name>{index}</name><value/></member>")).collect();
        call("nope", &parameters(&[&format!("<struct>{members}</struct>")]))
    };
    assert!(inject_text(&members(read::MOST_MEMBERS)).is_ok());
    assert_eq!(inject_text(&members(read::MOST_MEMBERS + 1)), Err(Refused::TooLarge));
    let many = |count: usize| call("nope", &"<param><value/></param>".repeat(count));
    assert!(inject_text(&many(super::super::MOST_ITEMS)).is_ok());
    assert_eq!(inject_text(&many(super::super::MOST_ITEMS + 1)), Err(Refused::TooLarge));
    let frame = call("", "").len();
    assert_eq!(inject_text(&call(&"a".repeat(MOST_BYTES - frame), "")).unwrap().len(), MOST_BYTES);
    assert_eq!(inject_text(&call(&"a".repeat(MOST_BYTES - frame + 1), "")), Err(Refused::TooLarge));
    let grows = call("nope", &parameters(&[&"'".repeat(MOST_BYTES / 5)]));
    assert_eq!(inject_text(&grows), Err(Refused::TooLarge), "six bytes each where one was read");
}

/// The word with any of its letters written by number, or in a section of its own.
fn spelled(text: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(0..5_u8, text.len()).prop_map(move |ways| {
        let letters = text.chars().zip(ways);
        letters
            .map(|(letter, way)| match way {
                0 => format!("&#{};", u32::from(letter)),
                1 => format!("&#x{:X};", u32::from(letter)),
                2 => format!("<![CDATA[{letter}]]>"),
                3 => format!("<!--x-->{letter}"),
                _ => letter.to_string(),
            })
            .collect()
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        spelled("token:VISITOR"),
        spelled("token:VISITOR").prop_map(|text| format!("<string>{text}</string>")),
        Just("<base64>dG9rZW46VklTSVRPUg==</base64>".to_owned()),
        Just("<boolean>1</boolean>".to_owned()),
        Just(String::new()),
        spelled("gid"),
    ]
}

proptest! {
    #[test]
    fn twice_is_once_and_no_token_but_ours_is_read(
        method in prop_oneof![spelled("aria2.x"), spelled("nope")],
        values in proptest::collection::vec(value(), 0..5),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let once = inject_text(&call(&method, &parameters(&values))).unwrap();
        prop_assert_eq!(inject_text(&once).unwrap(), once.clone());
        let read = read::call(&once).unwrap();
        let mut seen = read.parameters.iter().filter(|value| !value.is_forgotten());
        if read.method == "aria2.x" {
            prop_assert!(matches!(seen.next(), Some(Value::String(text)) if text == "token:s"));
        }
        prop_assert!(!seen.next().is_some_and(Value::is_token), "{}", once);
    }

    #[test]
    fn any_text_is_read_or_refused(body in "[<>/a-z&;#!\\[\\]? ]{0,48}") {
        if let Ok(once) = inject_text(&format!("<methodCall><methodName>aria2.x</methodName>{body}</methodCall>")) {
            prop_assert_eq!(inject_text(&once).unwrap(), once);
        }
    }
}
