//! XML-RPC as aria2 takes it: read strictly into a small model, written anew in one spelling.
//!
//! aria2 takes a text as it is, without a type, as `string` and as `double`, and takes what a `base64` stands for as a
//! text too. What it knows no type for it forgets, so that the next parameter becomes the first.

mod read;

use super::{
    Kind, MOST_BYTES, MULTICALL, Refused, TOKEN,
    write::{Output, token},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::Secret;
use quick_xml::escape::escape;

/// Puts the secret into the call of a body.
///
/// # Errors
/// When the body is not passed on.
pub(crate) fn inject(body: &[u8], secret: &Secret) -> Result<Vec<u8>, Refused> {
    if body.len() > MOST_BYTES {
        return Err(Refused::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|_| Refused::Malformed)?;
    let mut call = read::call(text)?;
    protect(&call.method, &mut call.parameters, secret)?;
    let mut output = Output::new(body.len());
    output.push("<?xml version=\"1.0\"?><methodCall><methodName>")?;
    push_text(&mut output, &call.method)?;
    output.push("</methodName><params>")?;
    for parameter in &call.parameters {
        output.push("<param>")?;
        push_value(&mut output, parameter)?;
        output.push("</param>")?;
    }
    output.push("</params></methodCall>")?;
    Ok(output.into_text().into_bytes())
}

/// What a `methodCall` says.
struct Call {
    method: String,
    parameters: Vec<Value>,
}

/// A `value`.
enum Value {
    /// Nothing between the tags: by the book an empty text, for aria2 nothing.
    Empty,
    String(String),
    Int(i32),
    Boolean(&'static str),
    /// As it was written; checked to be a number.
    Double(String),
    /// As it was written; checked to be of its few letters.
    DateTime(String),
    Base64(Vec<u8>),
    Array(Vec<Value>),
    /// In order; no name twice.
    Struct(Vec<(String, Value)>),
}

impl Value {
    fn is_token(&self) -> bool {
        match self {
            Self::String(text) => text.starts_with(TOKEN),
            Self::Base64(bytes) => bytes.starts_with(TOKEN.as_bytes()),
            Self::Empty
            | Self::Int(_)
            | Self::Boolean(_)
            | Self::Double(_)
            | Self::DateTime(_)
            | Self::Array(_)
            | Self::Struct(_) => false,
        }
    }

    /// Whether aria2 forgets it.
    fn is_forgotten(&self) -> bool {
        matches!(self, Self::Empty | Self::Boolean(_) | Self::DateTime(_))
    }
}

/// Makes the parameters of one method those that aria2 shall see.
fn protect(method: &str, parameters: &mut Vec<Value>, secret: &Secret) -> Result<(), Refused> {
    let mut is_first = true;
    parameters.retain(|value| {
        let is_kept = !(is_first && value.is_token());
        is_first = is_first && (!is_kept || value.is_forgotten());
        is_kept
    });
    match Kind::of(method) {
        Kind::Secret => parameters.insert(0, Value::String(token(secret).to_string())),
        Kind::Multicall => {
            let [Value::Array(calls)] = parameters.as_mut_slice() else { return Err(Refused::Parameters) };
            for call in calls {
                protect_within(call, secret)?;
            }
        }
        Kind::Plain => {}
    }
    Ok(())
}

/// The same for a call in a `system.multicall`.
fn protect_within(call: &mut Value, secret: &Secret) -> Result<(), Refused> {
    let Value::Struct(members) = call else { return Err(Refused::Malformed) };
    let method = members.iter().find_map(|(name, value)| match value {
        Value::String(method) if name == METHOD => Some(method.clone()),
        _ => None,
    });
    let method = method.ok_or(Refused::Method)?;
    let mut parameters = match members.iter().position(|(name, _)| name == PARAMETERS) {
        Some(index) => match members.remove(index).1 {
            Value::Array(parameters) => parameters,
            _ => return Err(Refused::Parameters),
        },
        None => Vec::new(),
    };
    if method == MULTICALL {
        // aria2 refuses it there, whatever is in it, and says so; it gets nothing to look at.
        parameters.clear();
    } else {
        protect(&method, &mut parameters, secret)?;
    }
    members.push((PARAMETERS.to_owned(), Value::Array(parameters)));
    Ok(())
}

fn push_value(output: &mut Output, value: &Value) -> Result<(), Refused> {
    output.push("<value>")?;
    match value {
        Value::Empty => {}
        Value::String(text) => push_element(output, "string", text)?,
        Value::Int(number) => push_element(output, "int", &number.to_string())?,
        Value::Boolean(text) => push_element(output, "boolean", text)?,
        Value::Double(text) => push_element(output, "double", text)?,
        Value::DateTime(text) => push_element(output, "dateTime.iso8601", text)?,
        Value::Base64(bytes) => push_element(output, "base64", &STANDARD.encode(bytes))?,
        Value::Array(values) => {
            output.push("<array><data>")?;
            for value in values {
                push_value(output, value)?;
            }
            output.push("</data></array>")?;
        }
        Value::Struct(members) => {
            output.push("<struct>")?;
            for (name, value) in members {
                output.push("<member>")?;
                push_element(output, "name", name)?;
                push_value(output, value)?;
                output.push("</member>")?;
            }
            output.push("</struct>")?;
        }
    }
    output.push("</value>")
}

fn push_element(output: &mut Output, name: &str, text: &str) -> Result<(), Refused> {
    for part in ["<", name, ">"] {
        output.push(part)?;
    }
    push_text(output, text)?;
    for part in ["</", name, ">"] {
        output.push(part)?;
    }
    Ok(())
}

fn push_text(output: &mut Output, text: &str) -> Result<(), Refused> {
    // Of a carriage return too, which would be read as a line feed (XML 1.0 §2.11).
    output.push(&escape(text))
}

const METHOD: &str = "methodName";
const PARAMETERS: &str = "params";

#[cfg(test)]
mod tests;
