//! The pages of the gallery, realistic and hostile: what a check of a server came to.
//!
//! Not here: the console's other pages (`operating`).

use super::operating::{foreign_frame, frame, text};
use super::samples::SCRIPT_URL;
use crate::page::{CheckFinding, CheckPage, CheckedStep, Outside};

const URL: &str = "https://mcp.example.com/v1/mcp/linear";
const STEPS: [(&str, &str); 6] = [
    ("reach", "wants credentials (401)"),
    ("resource", "https://mcp.linear.app/mcp, issued by https://mcp.linear.app"),
    ("issuer", "https://mcp.linear.app"),
    ("registration", "possible; the gateway registers when the first person connects"),
    ("authorization", "not asked: the gateway has no client there yet"),
    ("credentials", "you have no account connected there; connect one, and check again"),
];

pub(super) fn realistic() -> Vec<(&'static str, String)> {
    vec![("console-check", clean().render()), ("console-check-found", found().render())]
}

pub(super) fn hostile() -> Vec<(&'static str, String)> {
    let step = CheckedStep { name: "reach", skipped: false, said: text(), faults: 1 };
    let finding = CheckFinding {
        id: "upstream_unreachable",
        warning: true,
        says: text(),
        facts: ["Where", "Expected", "Seen", "Rule", "To act"].map(|label| (label, text())).into(),
        fix: text(),
    };
    let page = CheckPage {
        frame: foreign_frame("/admin/servers"),
        slug: text(),
        name: text(),
        steps: vec![step],
        findings: vec![finding],
        outside: Outside { url: text() },
        back: SCRIPT_URL.to_owned(),
    };
    vec![("hostile-console-check", page.render())]
}

fn clean() -> CheckPage {
    let step =
        |(name, said): (&'static str, &str)| CheckedStep { name, skipped: false, said: said.to_owned(), faults: 0 };
    let skipped = CheckedStep { name: "call", skipped: true, said: "not tried".to_owned(), faults: 0 };
    CheckPage {
        frame: frame("/admin/servers"),
        slug: "linear".to_owned(),
        name: "Linear".to_owned(),
        steps: STEPS.map(step).into_iter().chain([skipped]).collect(),
        findings: vec![],
        outside: Outside { url: URL.to_owned() },
        back: "/admin/servers".to_owned(),
    }
}

fn found() -> CheckPage {
    let mut page = clean();
    for step in page.steps.iter_mut().skip(2) {
        let is_issuer = step.name == "issuer";
        (step.skipped, step.faults) = (!is_issuer, usize::from(is_issuer));
        step.said = if is_issuer { String::new() } else { "not tried".to_owned() };
    }
    page.findings = vec![CheckFinding {
        id: "upstream_issuer_mismatch",
        warning: false,
        says: "The authorization server's metadata is for another issuer.".to_owned(),
        facts: [
            ("Where", "https://mcp.linear.app"),
            ("Expected", "https://mcp.linear.app"),
            ("Seen", "https://linear.us.auth.example/tenant-4711"),
            ("Rule", "issuer is the one the document was asked for, to the letter (RFC 8414 §3.3)"),
            ("To act", "whoever runs its authorization server"),
        ]
        .map(|(label, value)| (label, value.to_owned()))
        .into(),
        fix: "Write the same issuer in both documents; or set servers.linear.auth.issuer to the one of the metadata"
            .to_owned(),
    }];
    page
}
