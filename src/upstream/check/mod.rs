//! What a check of a server comes to: the steps of the gateway's way to it, and what is wrong on them.
//!
//! Not here: going that way (`flow::admin::check`), and the way of clients to this gateway, which only shows from
//! outside (`scripts/doctor`).

use serde::{Serialize, Serializer};

use crate::untrusted::presentable;
pub use rule::{Actor, FindingRule, Weight};

mod rule;
pub mod rules;
pub mod seen;

/// A stretch of the way, in the order in which it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepName {
    /// To the server itself, with nothing to show.
    Reach,
    /// Its protected resource metadata.
    Resource,
    /// Its authorization server's metadata.
    Issuer,
    /// Becoming a client there.
    Registration,
    /// Where a person would be sent.
    Authorization,
    /// What calls authenticate with.
    Credentials,
    /// The server with that.
    Call,
}

impl StepName {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Resource => "resource",
            Self::Issuer => "issuer",
            Self::Registration => "registration",
            Self::Authorization => "authorization",
            Self::Credentials => "credentials",
            Self::Call => "call",
        }
    }
}

impl Serialize for StepName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A step that was gone, or left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamStep {
    /// Which.
    pub name: StepName,
    /// Whether it was left out.
    pub skipped: bool,
    /// What it came to, or why it was left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamFinding {
    /// Its stable id; where the gateway refuses people or calls for it, the reason code of that.
    pub id: &'static str,
    /// On which step.
    pub step: StepName,
    /// How bad it is.
    pub weight: Weight,
    /// What is wrong.
    pub says: String,
    /// Where.
    pub at: String,
    /// What had to be there.
    pub expected: String,
    /// What is there.
    pub seen: String,
    /// The rule.
    pub rule: &'static str,
    /// Where the rule is written.
    pub source: &'static str,
    /// Who must act.
    pub who: Actor,
    /// What to do.
    pub fix: String,
}

/// Where something is wrong, and how.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Where.
    pub at: String,
    /// What had to be there; empty for what the rule says.
    pub expected: String,
    /// What is there.
    pub seen: String,
}

/// A report under way.
#[derive(Debug, Default)]
pub struct CheckReport {
    /// The steps, as far as it got.
    pub steps: Vec<UpstreamStep>,
    /// What was found.
    pub findings: Vec<UpstreamFinding>,
}

impl CheckReport {
    /// A new step begins.
    pub fn begin(&mut self, name: StepName) {
        self.steps.push(UpstreamStep { name, skipped: false, said: String::new() });
    }

    /// What the step comes to.
    pub fn say(&mut self, words: impl Into<String>) {
        if let Some(step) = self.steps.last_mut() {
            step.said = words.into();
        }
    }

    /// The step is left here, and why.
    pub fn leave(&mut self, why: impl Into<String>) {
        if let Some(step) = self.steps.last_mut() {
            (step.skipped, step.said) = (true, why.into());
        }
    }

    /// Steps that are left out, and why.
    pub fn skip(&mut self, names: &[StepName], why: &str) {
        let left = |name: &StepName| UpstreamStep { name: *name, skipped: true, said: why.to_owned() };
        self.steps.extend(names.iter().map(left));
    }

    /// Something is wrong on this step of the way to the server `slug`.
    pub fn find(&mut self, id: &'static str, slug: &str, facts: &Facts) {
        let rule = rules::of(id).unwrap_or(&rules::CREDENTIALS);
        self.add(id, rule, rule.says.to_owned(), rule.fix.replace("{slug}", slug), facts);
    }

    /// The same for what the gateway refuses in its own words.
    pub fn find_refused(&mut self, id: &'static str, says: &str, fix: &str, facts: &Facts) {
        let rule = rules::of(id).unwrap_or(&rules::CREDENTIALS);
        self.add(id, rule, says.to_owned(), fix.to_owned(), facts);
    }

    /// Whether nothing is wrong on the way so far that ends it.
    pub fn goes_on(&self) -> bool {
        self.findings.iter().all(|finding| finding.weight == Weight::Warning)
    }

    fn add(&mut self, id: &'static str, rule: &FindingRule, says: String, fix: String, facts: &Facts) {
        let Some(step) = self.steps.last().map(|step| step.name) else { return };
        let expected = if facts.expected.is_empty() { rule.rule.to_owned() } else { presentable(&facts.expected) };
        self.findings.push(UpstreamFinding {
            id,
            step,
            weight: rule.weight,
            says,
            at: presentable(&facts.at),
            expected,
            seen: presentable(&facts.seen),
            rule: rule.rule,
            source: rule.source,
            who: rule.who,
            fix,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_whole_and_there_once() {
        let ids: BTreeSet<&str> = rules::all().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules::all().count());
        for rule in rules::all() {
            assert!([rule.says, rule.rule, rule.source, rule.fix].iter().all(|text| text.len() > 5), "{}", rule.id);
            assert!(!rule.says.ends_with('.') && !rule.fix.ends_with('.'), "{}", rule.id);
        }
    }

    #[test]
    fn a_finding_has_its_rule_and_stands_at_its_step() {
        let mut report = CheckReport::default();
        report.begin(StepName::Resource);
        let facts = Facts { at: "https://a.example/\u{1b}[2J".into(), seen: "none".into(), ..Facts::default() };
        report.find("upstream_resource_metadata_differs", "docs", &facts);
        assert!(report.goes_on(), "a warning ends nothing");
        report.find_refused("upstream_without_pkce", "No S256.", "Mend it.", &Facts::default());
        report.find_refused("what_a_token_endpoint_says", "No.", "Ask.", &Facts::default());
        let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, ["upstream_resource_metadata_differs", "upstream_without_pkce", "what_a_token_endpoint_says"]);
        assert!(!report.goes_on());
        assert_eq!(report.findings[0].at, "https://a.example/?[2J");
        assert_eq!(report.findings[0].expected, report.findings[0].rule);
        assert_eq!(report.findings[1].fix, "Mend it.");
        assert!(report.findings.iter().all(|finding| finding.step == StepName::Resource));
    }
}
