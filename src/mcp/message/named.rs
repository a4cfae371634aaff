//! What a message asks for by name: the tools, prompts and resources that somebody may or may not use.
//!
//! What cannot be told for certain is an error: two readers of the same bytes must not see two different names.
//!
//! Not here: who may use what (`policy`), and bodies that are no messages ([`super::envelope`]).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Message;
use super::raw_object::RawObject;
use super::strict_json::{Key, resembles};
use crate::mcp::rewrite::list::List;

/// One thing that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<'a> {
    /// What it is.
    pub list: List,
    /// Its name, URI or URI template.
    pub name: Cow<'a, str>,
    /// Whether it is called, not only spoken of.
    pub is_call: bool,
    /// The JSON of the arguments that it is called with.
    pub arguments: Option<Cow<'a, str>>,
}

/// It cannot be told what a message asks for, or not by which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclear;

/// The messages of a body, as they were written, each by itself.
pub fn each(body: &[u8]) -> Result<Vec<&str>, Unclear> {
    let body = std::str::from_utf8(body).map_err(|_| Unclear)?;
    if !body.trim_ascii_start().starts_with('[') {
        return Ok(vec![body]);
    }
    let messages: Vec<&RawValue> = serde_json::from_str(body).map_err(|_| Unclear)?;
    Ok(messages.into_iter().map(RawValue::get).collect())
}

/// What a message asks for. Most ask for nothing by name.
pub fn named<'a>(message: &Message, json: &'a str) -> Result<Vec<Named<'a>>, Unclear> {
    let Some(method) = message.method() else { return Ok(Vec::new()) };
    match method {
        "tools/call" => params(json)?.called(List::Tools),
        "prompts/get" => params(json)?.called(List::Prompts),
        "resources/read" => params(json)?.of_uri().and_then(|named| named.ok_or(Unclear)).map(|named| vec![named]),
        // Methods that were taken out (2026-07-28): a server must be able to say so, whatever the parameters are.
        "resources/subscribe" | "resources/unsubscribe" => {
            match Object::read(json, MESSAGE)?.object("params", PARAMS)? {
                Some(params) => Ok(params.of_uri()?.into_iter().collect()),
                None => Ok(Vec::new()),
            }
        }
        "completion/complete" => params(json)?.referred(),
        "subscriptions/listen" => params(json)?.subscribed(),
        _ if asks_for_nothing(method) => Ok(Vec::new()),
        // Whatever it does, it does it to something that has a name.
        _ => match Object::read(json, MESSAGE)?.object("params", PARAMS)? {
            Some(params) if params.names_something() => Err(Unclear),
            _ => Ok(Vec::new()),
        },
    }
}

/// Methods of all revisions that the parameters `name` and `uri` would mean nothing to.
fn asks_for_nothing(method: &str) -> bool {
    const KNOWN: &[&str] = &["initialize", "ping", "server/discover", "logging/setLevel"];
    let lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
    let tasks = ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result", "tasks/list"];
    KNOWN.contains(&method) || lists.contains(&method) || tasks.contains(&method)
}

/// Of one request; clients watch what somebody looks at.
const MOST_SUBSCRIPTIONS: usize = 1000;

/// The members that a message, its parameters and what is in them are looked up by.
const MESSAGE: &[&str] = &["params"];
const PARAMS: &[&str] = &["name", "uri", "arguments", "ref", "notifications"];
const REFERENCE: &[&str] = &["type", "name", "uri"];
const FILTER: &[&str] = &["resourceSubscriptions"];

/// An object whose members cannot be taken for others.
struct Object<'a>(RawObject<'a>);

fn params(json: &str) -> Result<Object<'_>, Unclear> {
    Object::read(json, MESSAGE)?.object("params", PARAMS)?.ok_or(Unclear)
}

impl<'a> Object<'a> {
    fn read(json: &'a str, known: &'static [&'static str]) -> Result<Self, Unclear> {
        let object = RawObject::parse(json).ok_or(Unclear)?;
        let twice = |key: &&str| object.members().filter(|(name, _)| name == key).count() > 1;
        if object.members().any(|(key, _)| resembles(key, known).is_some()) || known.iter().any(twice) {
            return Err(Unclear);
        }
        Ok(Self(object))
    }

    fn json(&self, key: &str) -> Option<Cow<'a, str>> {
        self.0.member(key)
    }

    /// An object. Some clients write `null` where there is none.
    fn object(&self, key: &str, known: &'static [&'static str]) -> Result<Option<Self>, Unclear> {
        match self.json(key) {
            Some(json) if json == "null" => Ok(None),
            Some(Cow::Borrowed(json)) => Self::read(json, known).map(Some),
            Some(Cow::Owned(_)) => Err(Unclear),
            None => Ok(None),
        }
    }

    /// A text, which must be one that every reader can decode.
    fn text(&self, key: &str) -> Result<Option<Cow<'a, str>>, Unclear> {
        match self.json(key) {
            Some(Cow::Borrowed(json)) => serde_json::from_str(json).map(|Key(text)| Some(text)).map_err(|_| Unclear),
            Some(Cow::Owned(_)) => Err(Unclear),
            None => Ok(None),
        }
    }

    fn of_uri(&self) -> Result<Option<Named<'a>>, Unclear> {
        Ok(self.text("uri")?.map(|name| Named { list: List::Resources, name, is_call: true, arguments: None }))
    }

    fn called(&self, list: List) -> Result<Vec<Named<'a>>, Unclear> {
        let name = self.text("name")?.ok_or(Unclear)?;
        Ok(vec![Named { list, name, is_call: true, arguments: self.json("arguments") }])
    }

    /// `completion/complete`: a resource is referred to by its URI or by a URI template (RFC 6570), which has braces.
    fn referred(&self) -> Result<Vec<Named<'a>>, Unclear> {
        let reference = self.object("ref", REFERENCE)?.ok_or(Unclear)?;
        let spoken_of = |list, name| Named { list, name, is_call: false, arguments: None };
        Ok(match reference.text("type")?.as_deref() {
            Some("ref/prompt") => vec![spoken_of(List::Prompts, reference.text("name")?.ok_or(Unclear)?)],
            Some("ref/resource") => {
                let uri = reference.text("uri")?.ok_or(Unclear)?;
                // What completes a template are names of resources.
                let template = uri.contains('{').then(|| spoken_of(List::ResourceTemplates, uri.clone()));
                template.into_iter().chain([spoken_of(List::Resources, uri)]).collect()
            }
            _ => return Err(Unclear),
        })
    }

    /// `subscriptions/listen` (2026-07-28): the resources whose updates are asked for.
    fn subscribed(&self) -> Result<Vec<Named<'a>>, Unclear> {
        let Some(filter) = self.object("notifications", FILTER)? else { return Ok(Vec::new()) };
        let Some(Cow::Borrowed(uris)) = filter.json("resourceSubscriptions") else { return Ok(Vec::new()) };
        let uris: Vec<Key<'a>> = serde_json::from_str(uris).map_err(|_| Unclear)?;
        if uris.len() > MOST_SUBSCRIPTIONS {
            return Err(Unclear);
        }
        Ok(uris
            .into_iter()
            .map(|Key(name)| Named { list: List::Resources, name, is_call: true, arguments: None })
            .collect())
    }

    fn names_something(&self) -> bool {
        self.json("name").is_some() || self.json("uri").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::envelope::{Payload, parse};

    fn of(method: &str, params: &str) -> Result<Vec<(List, String, Option<String>)>, Unclear> {
        let json = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let Ok(Payload::One(message)) = parse(json.as_bytes(), 16) else { return Err(Unclear) };
        let named = named(&message, &json)?;
        let owned = |named: Named<'_>| (named.list, named.name.into_owned(), named.arguments.map(Cow::into_owned));
        Ok(named.into_iter().map(owned).collect())
    }

    fn one(list: List, name: &str) -> Vec<(List, String, Option<String>)> {
        vec![(list, name.to_owned(), None)]
    }

    #[test]
    fn every_door_says_what_it_is_for() {
        let arguments = r#"{ "a": [1.50] }"#;
        let call = of("tools/call", &format!(r#"{{"arguments":{arguments},"name":"\u0061"}}"#));
        assert_eq!(call, Ok(vec![(List::Tools, "a".to_owned(), Some(arguments.to_owned()))]));
        assert_eq!(of("prompts/get", r#"{"name":"a"}"#), Ok(one(List::Prompts, "a")));
        for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
            assert_eq!(of(method, r#"{"uri":"a:b"}"#), Ok(one(List::Resources, "a:b")));
        }
        let complete =
            |reference: &str| of("completion/complete", &format!(r#"{{"ref":{reference},"argument":{{}}}}"#));
        assert_eq!(complete(r#"{"type":"ref/prompt","name":"a"}"#), Ok(one(List::Prompts, "a")));
        let both = [one(List::ResourceTemplates, "a:{b}"), one(List::Resources, "a:{b}")].concat();
        assert_eq!(complete(r#"{"type":"ref/resource","uri":"a:{b}"}"#), Ok(both), "it tells names of resources");
        assert_eq!(complete(r#"{"type":"ref/resource","uri":"a:b"}"#), Ok(one(List::Resources, "a:b")));
        let listen = of("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":["a:b","a:c"]}}"#);
        assert_eq!(listen.map(|named| named.len()), Ok(2));
    }

    #[test]
    fn most_messages_name_nothing() {
        for method in ["tools/list", "initialize", "server/discover", "tasks/get", "notifications/initialized", "x/y"] {
            assert_eq!(of(method, r#"{"cursor":"a","taskId":"b"}"#), Ok(Vec::new()), "{method}");
        }
        assert_eq!(of("subscriptions/listen", r#"{"notifications":{"toolsListChanged":true}}"#), Ok(Vec::new()));
        assert_eq!(of("initialize", r#"{"name":"a"}"#), Ok(Vec::new()));
        assert_eq!(of("resources/subscribe", r#"{"_meta":{}}"#), Ok(Vec::new()), "there is nothing to subscribe to");
    }

    #[test]
    fn what_readers_may_differ_about_is_unclear() {
        for (method, params) in [
            ("tools/call", "{}"),
            ("resources/read", "{}"),
            ("tools/call", r#"{"name":5}"#),
            ("resources/subscribe", r#"{"URI":"a"}"#),
            ("resources/subscribe", r#"{"uri":"a","urI":"b"}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"a","Name":"b"}}"#),
            ("completion/complete", r#"{"ref":{"type":"ref/tool","name":"a"}}"#),
            ("completion/complete", "{}"),
            ("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":[5]}}"#),
            ("subscriptions/listen", r#"{"notifications":{"resourcesubscriptions":["a"]}}"#),
            ("subscriptions/listen", r#"{"Notifications":{}}"#),
            ("tools/invoke", r#"{"name":"a"}"#),
            ("resources/directory/read", r#"{"uri":"a"}"#),
        ] {
            assert_eq!(of(method, params), Err(Unclear), "{method} {params}");
        }
    }

    #[test]
    fn a_batch_is_its_messages() {
        let batch = br#" [ {"a":1} ,{"b":2}]"#;
        assert_eq!(each(batch), Ok(vec![r#"{"a":1}"#, r#"{"b":2}"#]));
        assert_eq!(each(b"{\"a\":1}"), Ok(vec![r#"{"a":1}"#]));
        assert_eq!(each(b"[{]"), Err(Unclear));
    }
}
