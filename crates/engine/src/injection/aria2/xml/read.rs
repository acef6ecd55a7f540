//! Reading a `methodCall`. What XML-RPC does not have is refused: document types and their entities, instructions,
//! attributes, other elements, text between elements, anything after the end. Comments are dropped.

use super::{
    super::{MOST_ITEMS, Refused},
    Call, METHOD, PARAMETERS, Value,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

/// Reads a whole body.
pub(super) fn call(text: &str) -> Result<Call, Refused> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut elements = Elements { reader, values: 0, begins_with_declaration: text.starts_with("<?xml") };
    elements.open("methodCall")?;
    elements.open(METHOD)?;
    let method = elements.text()?;
    let mut parameters = Vec::new();
    if elements.next(PARAMETERS)? == Next::Child {
        while elements.next("param")? == Next::Child {
            if parameters.len() == MOST_ITEMS {
                return Err(Refused::TooLarge);
            }
            elements.open("value")?;
            parameters.push(elements.value(0)?);
            elements.close()?;
        }
        elements.close()?;
    }
    elements.end()?;
    Ok(Call { method, parameters })
}

/// The elements of a document, in order.
struct Elements<'a> {
    reader: Reader<&'a [u8]>,
    values: usize,
    begins_with_declaration: bool,
}

/// What comes next in an element that has elements of one name only.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Next {
    Child,
    /// The element's end, which was read.
    End,
}

/// What comes next anywhere.
enum Part {
    Open(String),
    Text(String),
    Close,
    End,
}

impl Elements<'_> {
    /// The next part; a text with its references resolved, cut where comments were.
    fn part(&mut self) -> Result<Part, Refused> {
        loop {
            let part = match self.reader.read_event().map_err(|_| Refused::Malformed)? {
                Event::Start(start) => Part::Open(name(&start)?),
                Event::End(_) => Part::Close,
                Event::Text(text) => Part::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Part::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => Part::Text(resolve(&reference)?.to_string()),
                Event::Comment(_) => continue,
                Event::Decl(_) if std::mem::take(&mut self.begins_with_declaration) => continue,
                Event::Eof => Part::End,
                Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                    return Err(Refused::Malformed);
                }
            };
            return match part {
                Part::Text(text) if !text.chars().all(is_xml) => Err(Refused::Malformed),
                part => Ok(part),
            };
        }
    }

    /// The next part that is no blank between elements.
    fn element(&mut self) -> Result<Part, Refused> {
        loop {
            match self.part()? {
                Part::Text(text) if text.chars().all(is_blank) => {}
                Part::Text(_) => return Err(Refused::Malformed),
                part => return Ok(part),
            }
        }
    }

    /// Expects an element of this name.
    fn open(&mut self, name: &str) -> Result<(), Refused> {
        if self.next(name)? == Next::Child { Ok(()) } else { Err(Refused::Malformed) }
    }

    /// Expects an element of this name, or the end of the one around it.
    fn next(&mut self, name: &str) -> Result<Next, Refused> {
        match self.element()? {
            Part::Open(found) if found == name => Ok(Next::Child),
            Part::Close => Ok(Next::End),
            Part::Open(_) | Part::Text(_) | Part::End => Err(Refused::Malformed),
        }
    }

    /// Expects the end of an element.
    fn close(&mut self) -> Result<(), Refused> {
        match self.element()? {
            Part::Close => Ok(()),
            Part::Open(_) | Part::Text(_) | Part::End => Err(Refused::Malformed),
        }
    }

    /// Expects the end of the document.
    fn end(&mut self) -> Result<(), Refused> {
        match self.element()? {
            Part::End => Ok(()),
            Part::Open(_) | Part::Text(_) | Part::Close => Err(Refused::Malformed),
        }
    }

    /// The text of an element that has nothing else, and its end.
    fn text(&mut self) -> Result<String, Refused> {
        let mut whole = String::new();
        loop {
            match self.part()? {
                Part::Text(text) => whole.push_str(&text),
                Part::Close => return Ok(whole),
                Part::Open(_) | Part::End => return Err(Refused::Malformed),
            }
        }
    }

    /// What is in a `value`, and its end.
    fn value(&mut self, depth: usize) -> Result<Value, Refused> {
        self.values += 1;
        if depth == MOST_DEPTH || self.values > MOST_VALUES {
            return Err(Refused::TooLarge);
        }
        let mut bare = String::new();
        loop {
            match self.part()? {
                Part::Text(text) => bare.push_str(&text),
                Part::Close if bare.is_empty() => return Ok(Value::Empty),
                Part::Close => return Ok(Value::String(bare)),
                Part::Open(kind) if bare.chars().all(is_blank) => {
                    let value = self.typed(&kind, depth)?;
                    self.close()?;
                    return Ok(value);
                }
                Part::Open(_) | Part::End => return Err(Refused::Malformed),
            }
        }
    }

    fn typed(&mut self, kind: &str, depth: usize) -> Result<Value, Refused> {
        Ok(match kind {
            "string" => Value::String(self.text()?),
            "int" | "i4" => Value::Int(self.text()?.trim().parse().map_err(|_| Refused::Malformed)?),
            "boolean" => Value::Boolean(match self.text()?.trim() {
                "0" => "0",
                "1" => "1",
                _ => return Err(Refused::Malformed),
            }),
            "double" => Value::Double(self.written_with("+-.0123456789eE")?),
            "dateTime.iso8601" => Value::DateTime(self.written_with("+-.:0123456789TZ")?),
            "base64" => {
                let text: String = self.text()?.chars().filter(|letter| !is_blank(*letter)).collect();
                Value::Base64(STANDARD.decode(text).map_err(|_| Refused::Malformed)?)
            }
            "array" => self.array(depth)?,
            "struct" => self.members(depth)?,
            _ => return Err(Refused::Malformed),
        })
    }

    fn written_with(&mut self, letters: &str) -> Result<String, Refused> {
        let text = self.text()?.trim().to_owned();
        if text.chars().all(|letter| letters.contains(letter)) { Ok(text) } else { Err(Refused::Malformed) }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Refused> {
        let mut values = Vec::new();
        self.open("data")?;
        while self.next("value")? == Next::Child {
            values.push(self.value(depth + 1)?);
        }
        self.close()?;
        Ok(Value::Array(values))
    }

    fn members(&mut self, depth: usize) -> Result<Value, Refused> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while self.next("member")? == Next::Child {
            if members.len() == MOST_MEMBERS {
                return Err(Refused::TooLarge);
            }
            self.open("name")?;
            let name = self.text()?;
            if members.iter().any(|(other, _)| *other == name) {
                return Err(Refused::Ambiguous);
            }
            self.open("value")?;
            let value = self.value(depth + 1)?;
            self.close()?;
            members.push((name, value));
        }
        Ok(Value::Struct(members))
    }
}

fn name(start: &BytesStart<'_>) -> Result<String, Refused> {
    if start.attributes_raw().chars().all(is_blank) {
        Ok(start.name().0.to_owned())
    } else {
        Err(Refused::Malformed)
    }
}

/// A reference by number, or one of the five that every document has (XML 1.0 §4.6).
fn resolve(reference: &BytesRef<'_>) -> Result<char, Refused> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|_| Refused::Malformed)? {
        return Ok(letter);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(Refused::Malformed),
    }
}

/// Blanks of XML (XML 1.0 §2.3); others are text.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// What a document may hold at all, written out or by number (XML 1.0 §2.2).
fn is_xml(letter: char) -> bool {
    !matches!(letter, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Depth of values in values (a multicall with options needs 6; what is read here is read by recursion).
pub(super) const MOST_DEPTH: usize = 32;
/// Values of one call (chosen: a multicall of 10,000 calls has five each, and each costs 32 bytes here).
pub(super) const MOST_VALUES: usize = 100_000;
/// Members of one structure (aria2 has 200 options; each is compared with those before).
pub(super) const MOST_MEMBERS: usize = 512;
