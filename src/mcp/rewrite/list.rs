//! What a server can list, and what the things in a list go by.
//!
//! Not here: who may see what, and taking members out ([`super::result`]).

/// What a server can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    ResourceTemplates,
}

impl List {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::ResourceTemplates];

    /// The list that a method asks for.
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::ResourceTemplates),
            _ => None,
        }
    }

    /// The member of the result that holds it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }

    /// What the things in it go by.
    pub(in crate::mcp) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Tools | Self::Prompts => &["name"],
            Self::Resources => &["uri"],
            Self::ResourceTemplates => &["uriTemplate"],
        }
    }

    pub(super) fn in_result(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.member() == key)
    }
}
