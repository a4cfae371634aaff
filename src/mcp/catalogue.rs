//! What a server last said it is and has, answer by answer and for nobody in particular: which of it is kept, and in
//! which form.
//!
//! Not here: whose it is and where it lies (`flow::connection::catalogue`), and who sees what of it
//! ([`super::rewrite::result`]).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::raw_object::RawObject;
use super::rewrite::list::List;
use super::rewrite::news::ToldResult;
use super::rewrite::result::{PRIVATE, TTL};
use crate::time::Timestamp;
use crate::version::V1;

/// What is longer is not kept.
const LONGEST: usize = 1 << 20;

/// A question that a catalogue has the answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `initialize` (legacy).
    Initialize,
    /// `server/discover` (modern).
    Discover,
    /// A list.
    List(List),
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Initialize,
        Self::Discover,
        Self::List(List::Tools),
        Self::List(List::Prompts),
        Self::List(List::Resources),
        Self::List(List::ResourceTemplates),
    ];

    /// What a method asks for.
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "initialize" => Some(Self::Initialize),
            "server/discover" => Some(Self::Discover),
            _ => List::of(method).map(Self::List),
        }
    }

    /// Its name where it is kept.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Discover => "discover",
            Self::List(list) => list.member(),
        }
    }

    /// What of a result is kept: a list by itself, and only one that is whole; of the others all of it.
    pub fn kept<'a>(self, told: &'a ToldResult<'_>) -> Option<&'a str> {
        let kept = match self {
            Self::List(_) if told.has_more => return None,
            Self::List(list) => told.list(list)?,
            Self::Initialize | Self::Discover => told.text,
        };
        (kept.len() <= LONGEST).then_some(kept)
    }

    /// What the things in a list that is kept go by. What has no name is left out.
    pub fn names(self, kept: &str) -> Vec<String> {
        let Self::List(list) = self else { return Vec::new() };
        let members: Vec<&RawValue> = serde_json::from_str(kept).unwrap_or_default();
        let name = |member: &&RawValue| {
            let member = RawObject::parse(member.get())?;
            let name = list.names().iter().find_map(|key| member.get(key))?;
            serde_json::from_str(name).ok()
        };
        members.iter().filter_map(name).collect()
    }

    /// The result that what is kept was taken from, without what only its own moment was for.
    pub fn result(self, kept: &str) -> String {
        match self {
            Self::List(list) => format!("{{\"{}\":{kept}}}", list.member()),
            Self::Initialize | Self::Discover => kept.to_owned(),
        }
    }
}

/// The parameters of a request as they are written, and whether it is not for one more page of a list.
pub fn params(body: &str) -> (String, bool) {
    let params = RawObject::parse(body).and_then(|message| message.member("params"));
    let Some(params) = params else { return (String::new(), true) };
    let is_for_another_page = RawObject::parse(&params).is_some_and(|params| params.get("cursor").is_some());
    (params.into_owned(), !is_for_another_page)
}

/// One answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct KnownAnswer {
    v: V1,
    /// When it was kept.
    pub at: Timestamp,
    known: Box<RawValue>,
}

impl KnownAnswer {
    /// As of a moment. `None` for what is not JSON.
    pub fn new(at: Timestamp, kept: &str) -> Option<Self> {
        Some(Self { v: V1, at, known: RawValue::from_string(kept.to_owned()).ok()? })
    }

    /// Reads one. What cannot be read is as good as none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// What was kept.
    pub fn kept(&self) -> &str {
        self.known.get()
    }
}

/// A result to answer with again, as whoever asks may keep it: nothing of it has to be read for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyResult {
    /// Up to where it says for how long it is fresh, or to its end.
    before: String,
    /// What follows that, where it does.
    after: Option<String>,
}

impl ReadyResult {
    /// Of a result as it was told. `None` for places that are not in it.
    pub fn of(told: &ToldResult<'_>) -> Option<Self> {
        let mut parts = [String::new(), String::new()];
        let mut places: Vec<_> = told.scope_at.iter().chain(&told.ttl_at).collect();
        places.sort_unstable_by_key(|place| place.start);
        let (mut from, mut part) = (0, parts.iter_mut());
        let mut into = part.next()?;
        for place in places {
            into.push_str(told.text.get(from..place.start)?);
            if told.ttl_at.as_ref() == Some(place) {
                into = part.next()?;
            } else {
                into.push_str(PRIVATE);
            }
            from = place.end;
        }
        into.push_str(told.text.get(from..)?);
        let [before, after] = parts;
        Some(Self { before, after: told.ttl_at.is_some().then_some(after) })
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.before.len() + self.after.as_ref().map_or(0, String::len)
    }

    /// The response with it, which is fresh for so long still where it says anything of that, and no longer than a
    /// client may keep it.
    pub fn response(&self, id: &str, milliseconds: u64) -> String {
        let Self { before, after } = self;
        let mut json = String::with_capacity(self.size() + id.len() + 64);
        json.extend(["{\"jsonrpc\":\"2.0\",\"id\":", id, ",\"result\":", before]);
        if let Some(after) = after {
            json.extend([milliseconds.min(TTL).to_string().as_str(), after]);
        }
        json.push('}');
        json
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::mcp::rewrite::answer::{Edit, Edited};
    use crate::mcp::rewrite::news::CatalogueNews;
    use crate::mcp::rewrite::result::{Audience, Observed};

    const TOOLS: Part = Part::List(List::Tools);

    /// What is kept of a server's result.
    fn kept(part: Part, result: &str) -> Option<String> {
        told(result, |told| part.kept(told).map(str::to_owned))
    }

    /// What is made of a server's result.
    fn told<T>(result: &str, make: impl Fn(&ToldResult<'_>) -> Option<T>) -> Option<T> {
        let out = RefCell::new(None);
        let notice = |news: CatalogueNews<'_>| match news {
            CatalogueNews::Result(told) => *out.borrow_mut() = make(&told),
            CatalogueNews::ListChanged => {}
        };
        let observed = Observed::<Nobody, _> { audience: None, notice };
        assert_eq!(observed.edit(format!(r#"{{"id":1,"result":{result}}}"#).as_bytes()), Ok(Edited::Same));
        out.into_inner()
    }

    /// Never asked.
    struct Nobody;

    impl Audience for Nobody {
        fn sees(&self, _: List, _: &str) -> bool {
            false
        }

        fn has(&self, _: List) -> bool {
            false
        }
    }

    #[test]
    fn what_is_stored_keeps_its_form() {
        for (part, result, golden) in [
            (TOOLS, r#"{"tools":[{"name":"a"}],"ttlMs":5}"#, r#"{"v":1,"at":1000,"known":[{"name":"a"}]}"#),
            (
                Part::Initialize,
                r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
                r#"{"v":1,"at":1000,"known":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
            ),
        ] {
            let known = KnownAnswer::new(Timestamp(1000), &kept(part, result).unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&known).unwrap(), golden);
            let read = KnownAnswer::parse(golden.as_bytes()).unwrap();
            assert_eq!((read.at, read.kept()), (known.at, known.kept()));
        }
        assert!(KnownAnswer::parse(br#"{"v":2,"at":1000,"known":[]}"#).is_none());
        let names: Vec<_> = Part::ALL.into_iter().map(Part::name).collect();
        assert_eq!(names, ["initialize", "discover", "tools", "prompts", "resources", "resourceTemplates"]);
    }

    #[test]
    fn a_list_is_kept_whole_or_not_at_all() {
        assert_eq!(kept(TOOLS, r#"{"tools":[],"nextCursor":null}"#).as_deref(), Some("[]"));
        assert_eq!(kept(TOOLS, r#"{"tools":[],"nextCursor":"2"}"#), None);
        assert_eq!(kept(TOOLS, "{}"), None);
        let long = "a".repeat(LONGEST);
        assert_eq!(kept(TOOLS, &format!(r#"{{"tools":[{{"name":"{long}"}}]}}"#)), None);
        assert_eq!(params(r#"{"params":{"cursor":"2"}}"#), (r#"{"cursor":"2"}"#.to_owned(), false));
        for body in ["{}", r#"{"params":{}}"#, r#"{"cursor":"2"}"#] {
            assert!(params(body).1, "{body}");
        }
    }

    #[test]
    fn the_names_in_a_list_are_those_that_policy_is_about() {
        assert_eq!(TOOLS.names(r#"[{"name":"\u0061","title":"x"},{"title":"x"},{"name":1},2]"#), ["a"]);
        assert_eq!(
            Part::List(List::ResourceTemplates).names(r#"[{"name":"x","uriTemplate":"n://{id}"}]"#),
            ["n://{id}"]
        );
        assert!(Part::Initialize.names("{}").is_empty());
    }

    #[test]
    fn a_result_that_is_kept_is_fresh_for_what_is_left() {
        for (result, ready) in [
            (r#"{"tools":[],"ttlMs":5000}"#, r#"{"tools":[],"ttlMs":1000}"#),
            (r#"{"cacheScope":"public","ttlMs" : 5 ,"a":1}"#, r#"{"cacheScope":"private","ttlMs" : 1000 ,"a":1}"#),
            (r#"{"ttlMs":5,"cacheScope": "public"}"#, r#"{"ttlMs":1000,"cacheScope": "private"}"#),
            (r#"{"tools":[]}"#, r#"{"tools":[]}"#),
        ] {
            let response = told(result, ReadyResult::of).unwrap().response("\"a\"", 1000);
            assert_eq!(response, format!(r#"{{"jsonrpc":"2.0","id":"a","result":{ready}}}"#));
        }
        let long = told(r#"{"ttlMs":900000}"#, ReadyResult::of).unwrap().response("1", 900_000);
        assert_eq!(long, r#"{"jsonrpc":"2.0","id":1,"result":{"ttlMs":60000}}"#);
    }
}
