//! What a server offers and policy can decide about.
//!
//! Not here: what MCP calls the lists of it (`mcp::rewrite::list`).

use std::fmt;

use serde::Serialize;

/// A kind of capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CapabilityKind {
    /// A tool, by its name.
    Tool,
    /// A prompt, by its name.
    Prompt,
    /// A resource, by its URI.
    Resource,
    /// A resource template, by its URI template.
    ResourceTemplate,
}

impl CapabilityKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::ResourceTemplate];

    /// The member of the configuration that is about it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::ResourceTemplate => "resource_templates",
        }
    }

    /// Several of it, to begin a line with.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Tool => "Tools",
            Self::Prompt => "Prompts",
            Self::Resource => "Resources",
            Self::ResourceTemplate => "Resource templates",
        }
    }

    /// Whether it is called with arguments.
    pub const fn has_arguments(self) -> bool {
        matches!(self, Self::Tool | Self::Prompt)
    }
}

impl fmt::Display for CapabilityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::ResourceTemplate => "resource template",
        })
    }
}

/// One capability, as somebody names it: whether it exists nobody here knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability<'a> {
    /// Its kind.
    pub kind: CapabilityKind,
    /// Its name or URI, decoded.
    pub name: &'a str,
    /// The tools that say it is their page (MCP Apps: `_meta.ui.resourceUri`, and the flat `ui/resourceUri`). Where one
    /// of them can be seen, no filter hides a `ui://` resource. Of any other capability it says nothing.
    pub shown_by: &'a [&'a str],
}

impl<'a> Capability<'a> {
    /// A capability that no tool shows.
    pub const fn new(kind: CapabilityKind, name: &'a str) -> Self {
        Self { kind, name, shown_by: &[] }
    }

    /// Whether it may be the page of a tool.
    pub(super) fn is_page(&self) -> bool {
        self.kind == CapabilityKind::Resource && self.name.starts_with("ui://")
    }
}

/// One of something for each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PerKind<T> {
    /// Tools.
    pub tools: T,
    /// Prompts.
    pub prompts: T,
    /// Resources.
    pub resources: T,
    /// Resource templates.
    pub resource_templates: T,
}

impl<T> PerKind<T> {
    /// The one of a kind.
    pub const fn of(&self, kind: CapabilityKind) -> &T {
        match kind {
            CapabilityKind::Tool => &self.tools,
            CapabilityKind::Prompt => &self.prompts,
            CapabilityKind::Resource => &self.resources,
            CapabilityKind::ResourceTemplate => &self.resource_templates,
        }
    }

    /// The one of a kind, to be changed.
    pub const fn of_mut(&mut self, kind: CapabilityKind) -> &mut T {
        match kind {
            CapabilityKind::Tool => &mut self.tools,
            CapabilityKind::Prompt => &mut self.prompts,
            CapabilityKind::Resource => &mut self.resources,
            CapabilityKind::ResourceTemplate => &mut self.resource_templates,
        }
    }
}
