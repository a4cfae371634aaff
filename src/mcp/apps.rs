//! MCP Apps: which tools show which page, as a list of tools says it (`_meta.ui.resourceUri`, and the flat
//! `ui/resourceUri` of earlier revisions of the extension).
//!
//! Not here: who may see such a page (`policy`), and whose list it is (`memory::catalogues`).

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::message::raw_object::RawObject;
use super::message::strict_json::Key;

/// The scheme of pages.
const SCHEME: &str = "ui://";
/// Of all names and addresses together, in bytes: some hundred tools with a page. What is beyond is shown by no tool.
const MOST: usize = 16 * 1024;
/// In every list that names a page, unless somebody hides it from readers.
const SIGN: &str = "esourceUri";

/// The pages that a server's tools name, and the tools that do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolPages {
    tools: BTreeMap<String, Vec<String>>, // by the page
    bytes: usize,
}

impl ToolPages {
    /// Of the result of `tools/list`.
    pub fn of_result(result: &str) -> Self {
        if !result.contains(SIGN) {
            return Self::default();
        }
        RawObject::parse(result).and_then(|result| result.get("tools").map(Self::of)).unwrap_or_default()
    }

    /// Of a list of tools by itself.
    pub fn of(list: &str) -> Self {
        let mut pages = Self::default();
        if !list.contains(SIGN) {
            return pages;
        }
        let tools: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
        for tool in tools.into_iter().filter(|tool| tool.get().contains(SIGN)) {
            pages.read(tool.get());
        }
        pages
    }

    /// The tools that say that it is their page.
    pub fn tools_showing(&self, page: &str) -> &[String] {
        self.tools.get(page).map_or(&[], Vec::as_slice)
    }

    /// Takes in what other pages of the same list say.
    pub fn add(&mut self, other: Self) {
        for (page, tools) in other.tools {
            for tool in tools {
                self.put(&page, tool);
            }
        }
    }

    fn read(&mut self, tool: &str) {
        let Some(tool) = RawObject::parse(tool) else { return };
        let Some(meta) = tool.get("_meta").and_then(RawObject::parse) else { return };
        let Some(Key(name)) = tool.get("name").and_then(|name| serde_json::from_str(name).ok()) else { return };
        let nested = meta.get("ui").and_then(RawObject::parse);
        let nested = nested.as_ref().and_then(|ui| ui.get("resourceUri"));
        for page in [nested, meta.get("ui/resourceUri")].into_iter().flatten() {
            if let Ok(Key(page)) = serde_json::from_str(page) {
                self.put(&page, name.clone().into_owned());
            }
        }
    }

    fn put(&mut self, page: &str, tool: String) {
        let bytes = self.bytes + page.len() + tool.len();
        if !page.starts_with(SCHEME) || bytes > MOST || self.tools_showing(page).contains(&tool) {
            return;
        }
        self.bytes = bytes;
        self.tools.entry(page.to_owned()).or_default().push(tool);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn pages(tools: &Value) -> ToolPages {
        let result = ToolPages::of_result(&json!({"tools": tools}).to_string());
        assert_eq!(result, ToolPages::of(&tools.to_string()));
        result
    }

    #[test]
    fn both_forms_name_a_page() {
        let known = pages(&json!([
            {"name": "a", "_meta": {"ui": {"resourceUri": "ui://x", "visibility": ["app"]}}},
            {"name": "b", "_meta": {"ui/resourceUri": "ui://x"}},
            {"name": "c", "_meta": {"ui": {"resourceUri": "ui://y"}, "ui/resourceUri": "ui://y"}},
            {"name": "d"},
        ]));
        assert_eq!(known.tools_showing("ui://x"), ["a", "b"]);
        assert_eq!(known.tools_showing("ui://y"), ["c"]);
        assert!(known.tools_showing("ui://z").is_empty());
        assert_eq!(
            ToolPages::of(r#"[{"name":"\u0061","_meta":{"ui/resourceUri":"ui:\/\/x"}}]"#).tools_showing("ui://x"),
            ["a"]
        );
    }

    #[test]
    fn what_is_no_page_opens_nothing() {
        for tool in [
            json!({"name": "a", "_meta": {"ui": {"resourceUri": "secret://x"}}}),
            json!({"name": "a", "_meta": {"ui": {"resourceUri": "UI://x"}}}),
            json!({"name": "a", "_meta": {"ui": {"resourceUri": ["ui://x"]}}}),
            json!({"name": "a", "_meta": {"resourceUri": "ui://x"}}),
            json!({"name": "a", "ui": {"resourceUri": "ui://x"}}),
            json!({"name": ["a"], "_meta": {"ui": {"resourceUri": "ui://x"}}}),
            json!({"_meta": {"ui": {"resourceUri": "ui://x"}}}),
            json!("resourceUri"),
        ] {
            assert_eq!(pages(&json!([tool])), ToolPages::default(), "{tool}");
        }
        assert_eq!(ToolPages::of_result(r#"{"tools":{"resourceUri":1}}"#), ToolPages::default());
    }

    #[test]
    fn it_is_bounded_and_takes_in_what_other_pages_of_a_list_say() {
        let tool =
            |number: usize| json!({"name": "a".repeat(100), "_meta": {"ui/resourceUri": format!("ui://{number}")}});
        let many = pages(&(0..1000).map(tool).collect());
        assert!(many.bytes <= MOST && many.tools.len() > 100);
        let mut both = pages(&json!([tool(1)]));
        both.add(pages(&json!([tool(1), tool(2)])));
        assert_eq!((both.tools.len(), both.tools_showing("ui://1").len()), (2, 1));
        both.add(many);
        assert!(both.bytes <= MOST);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}\",:a-z/]{0,60}") {
            ToolPages::of(&format!("{text}resourceUri{text}"));
        }
    }
}
