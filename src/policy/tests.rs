//! The whole decision: its order, what no spelling of a name gets around, and that its explanation is the same.
//!
//! Not here: patterns, numbers, conditions, scopes and roles, each tested beside its code.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::json::Node;
use crate::oauth::scope::ScopeSet;

/// A caller of a test.
#[derive(Default)]
struct Caller {
    scopes: ScopeSet,
    roles: Vec<String>,
    claims: ClaimValues,
}

impl Caller {
    fn with(scopes: &[&str], roles: &[&str]) -> Self {
        Self { scopes: ScopeSet::of(scopes), roles: owned(roles), claims: ClaimValues::default() }
    }

    fn rights(&self) -> Rights<'_> {
        Rights { scopes: &self.scopes, roles: &self.roles, claims: &self.claims }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn names(entries: &[&str]) -> Names {
    let (patterns, exact): (Vec<&str>, Vec<&str>) = entries.iter().partition(|entry| entry.contains('*'));
    let patterns = patterns.into_iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
    Names { exact: exact.into_iter().map(str::to_owned).collect(), patterns }
}

fn tools_rule(entries: &[&str]) -> Rule {
    Rule { names: PerKind { tools: names(entries), ..PerKind::default() }, ..Rule::default() }
}

fn condition(pointer: &str, value: &str) -> Condition {
    let pointer = ArgumentPointer::parse(pointer).unwrap();
    Condition { pointer, absent: false, tests: vec![Test::Equals(Scalar::Text(value.to_owned()))] }
}

fn policy(filters: PerKind<Option<Names>>, rules: Vec<Rule>) -> Policy {
    let scope = Scope { title: "Change things".to_owned(), implies: ScopeSet::of(&["read"]) };
    let scopes = Scopes::new(&BTreeMap::from([("write".to_owned(), scope)])).unwrap();
    Policy::new(filters, rules, &scopes).unwrap()
}

fn allowing_tools(entries: &[&str], rules: Vec<Rule>) -> Policy {
    policy(PerKind { tools: Some(names(entries)), ..PerKind::default() }, rules)
}

fn tool(name: &str) -> Capability<'_> {
    Capability::new(CapabilityKind::Tool, name)
}

fn resource(uri: &str) -> Capability<'_> {
    Capability::new(CapabilityKind::Resource, uri)
}

/// A decision in a word: the kind of what is lacking, and the rule.
fn word(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allow => "allow".to_owned(),
        Decision::Hide => "hide".to_owned(),
        Decision::Deny(denial) => {
            let kind = match denial.need {
                Requirement::Role(_) => "role",
                Requirement::Claim { .. } => "claim",
                Requirement::Scope(_) => "scope",
                Requirement::Condition { .. } => "condition",
            };
            format!("{kind} {}", denial.rule)
        }
    }
}

#[test]
fn without_a_policy_everything_is_allowed_and_nothing_is_run() {
    let (policy, caller) = (Policy::default(), Caller::default());
    assert!(policy.is_empty());
    for kind in CapabilityKind::ALL {
        assert!(!policy.speaks_of(kind) && !policy.hides_all(kind));
        let any = Capability::new(kind, "file:///a/../b");
        assert_eq!(policy.decide(&caller.rights(), &any, Arguments::of("{")), Decision::Allow);
        assert!(policy.is_listed(&caller.rights(), &any) && !policy.reads_arguments(&any));
    }
}

#[test]
fn a_filter_is_about_its_own_kind_and_an_empty_one_hides_all() {
    let filters = PerKind { tools: Some(names(&["a", "b_*"])), prompts: Some(names(&[])), ..PerKind::default() };
    let (policy, caller) = (policy(filters, vec![]), Caller::default());
    let listed = |kind, name| policy.is_listed(&caller.rights(), &Capability::new(kind, name));
    for (kind, name, expected) in [
        (CapabilityKind::Tool, "a", true),
        (CapabilityKind::Tool, "b_x", true),
        (CapabilityKind::Tool, "c", false),
        (CapabilityKind::Prompt, "a", false),
        (CapabilityKind::Resource, "a", true),
        (CapabilityKind::ResourceTemplate, "c", true),
    ] {
        assert_eq!(listed(kind, name), expected, "{kind} {name}");
        let decision = policy.decide(&caller.rights(), &Capability::new(kind, name), Arguments::NONE);
        assert_eq!(decision, if expected { Decision::Allow } else { Decision::Hide }, "{kind} {name}");
    }
    assert!(policy.hides_all(CapabilityKind::Prompt) && !policy.hides_all(CapabilityKind::Tool));
    assert!(!policy.hides_all(CapabilityKind::Resource) && !policy.is_empty());
}

#[test]
fn a_role_is_asked_for_before_a_scope_and_a_scope_before_a_condition() {
    let rules = vec![
        Rule { conditions: vec![condition("/team", "OPS")], ..tools_rule(&["delete"]) },
        Rule { scopes: owned(&["write"]), ..tools_rule(&["del*"]) },
        Rule { scopes: owned(&["audit"]), ..tools_rule(&["*"]) },
        Rule { roles: owned(&["support", "admin"]), ..tools_rule(&["delete"]) },
        Rule { claims: vec![(ClaimName::parse("dept").unwrap(), owned(&["ops"]))], ..tools_rule(&["delete"]) },
    ];
    let policy = allowing_tools(&["delete", "list"], rules);
    let ops = |caller: Caller| {
        let claims = Node::parse(br#"{"dept":"ops"}"#).unwrap();
        Caller { claims: ClaimValues::of(&claims, policy.claims()), ..caller }
    };
    let (good, bad) = (Arguments::of(r#"{"team":"OPS"}"#), Arguments::of(r#"{"team":"DEV"}"#));
    for (caller, arguments, expected, listed) in [
        (Caller::default(), bad, "role 3", false),
        (Caller::with(&["write", "audit"], &["other"]), good, "role 3", false),
        (Caller::with(&["write", "audit"], &["admin"]), good, "claim 4", false),
        (ops(Caller::with(&["read"], &["support"])), bad, "scope 1", true),
        (ops(Caller::with(&["write"], &["support"])), bad, "scope 2", true),
        (ops(Caller::with(&["write", "audit"], &["support"])), bad, "condition 0", true),
        (ops(Caller::with(&["write", "audit"], &["support"])), Arguments::NONE, "condition 0", true),
        (ops(Caller::with(&["write", "audit"], &["support"])), Arguments::of("{"), "condition 0", true),
        (ops(Caller::with(&["write", "audit"], &["support"])), good, "allow", true),
    ] {
        let decision = policy.decide(&caller.rights(), &tool("delete"), arguments);
        assert_eq!(word(&decision), expected);
        assert_eq!(decision.is_listed(), listed, "{expected}");
        assert_eq!(policy.is_listed(&caller.rights(), &tool("delete")), listed, "{expected}");
    }
    assert_eq!(word(&policy.decide(&Caller::default().rights(), &tool("deletes"), good)), "hide");
    assert!(policy.reads_arguments(&tool("delete")) && !policy.reads_arguments(&tool("list")));
}

#[test]
fn a_challenge_names_what_was_granted_and_everything_that_is_lacking() {
    let rules = vec![
        Rule { scopes: owned(&["read", "write"]), ..tools_rule(&["a"]) },
        Rule { scopes: owned(&["audit"]), ..tools_rule(&["*"]) },
    ];
    let policy = policy(PerKind::default(), rules);
    let granted = ScopeSet::of(&["mcp:tools", "offline_access", "read"]);
    let caller = Caller { scopes: granted.clone(), ..Caller::default() };
    let Decision::Deny(denial) = policy.decide(&caller.rights(), &tool("a"), Arguments::NONE) else { panic!() };
    assert_eq!((denial.rule, denial.need), (0, Requirement::Scope("write")));
    assert_eq!(denial.missing_scopes, ScopeSet::of(&["audit", "write"]));
    assert_eq!(denial.scopes_to_ask(&granted).to_string(), "audit mcp:tools offline_access read write");
    let stepped_up = Caller::with(&["write", "audit"], &[]);
    assert_eq!(policy.decide(&stepped_up.rights(), &tool("a"), Arguments::NONE), Decision::Allow, "write implies read");
    assert_eq!(policy.scopes_of(&tool("a")).to_string(), "audit read write");
    assert_eq!(policy.scopes_of(&tool("b")).to_string(), "audit");
    assert_eq!(policy.scopes().to_string(), "audit read write");
}

#[test]
fn no_spelling_of_a_name_gets_around_a_rule() {
    let rules = vec![Rule {
        names: PerKind {
            tools: names(&["Delete_Issue", "admin_*"]),
            resources: names(&["file:///Secret/*"]),
            ..PerKind::default()
        },
        roles: owned(&["support"]),
        ..Rule::default()
    }];
    let (policy, caller) = (policy(PerKind::default(), rules), Caller::default());
    let decided = |capability: &Capability<'_>| word(&policy.decide(&caller.rights(), capability, Arguments::NONE));
    for name in ["Delete_Issue", "delete_issue", "DELETE_ISSUE", "delete_iſſue", "ADMIN_x"] {
        assert_eq!(decided(&tool(name)), "role 0", "{name}");
    }
    for name in ["delete_issue ", "delete-issue", "admin", "list"] {
        assert_eq!(decided(&tool(name)), "allow", "{name}");
    }
    for (uri, expected) in [
        ("file:///secret/a", "role 0"),
        ("FILE:///Secret/a", "role 0"),
        ("file:///%53ecret/a", "hide"),
        ("file:///pub/../Secret/a", "hide"),
        ("file:///pub/%2e%2e/Secret/a", "hide"),
        ("file:///pub\\..\\Secret/a", "hide"),
        ("file:///Se\ncret/a", "hide"),
        ("file:///pub/a", "allow"),
    ] {
        assert_eq!(decided(&resource(uri)), expected, "{uri:?}");
    }
    assert_eq!(decided(&tool(&"x".repeat(LONGEST_NAME + 1))), "hide");
    assert_eq!(decided(&Capability::new(CapabilityKind::Prompt, &"x".repeat(LONGEST_NAME + 1))), "allow");
}

#[test]
fn a_pattern_for_resources_does_not_lead_out_of_what_it_says() {
    let filters = PerKind { resources: Some(names(&["file:///pub/*", "file:///x/../y"])), ..PerKind::default() };
    let (policy, caller) = (policy(filters, vec![]), Caller::default());
    let allowed = |uri: &str| policy.decide(&caller.rights(), &resource(uri), Arguments::NONE) == Decision::Allow;
    assert!(allowed("file:///pub/a.txt") && allowed("file:///x/../y"), "what is listed exactly is meant");
    for uri in
        ["file:///pub/../etc/passwd", "file:///pub/..%2fetc", "file:///pub/%2E./etc", "FILE:///pub/a", "file:///y"]
    {
        assert!(!allowed(uri), "{uri}");
    }
}

#[test]
fn a_tool_that_can_be_seen_shows_its_page() {
    let filters =
        PerKind { tools: Some(names(&["chart", "audit"])), resources: Some(names(&[])), ..PerKind::default() };
    let policy = policy(filters, vec![Rule { roles: owned(&["support"]), ..tools_rule(&["audit"]) }]);
    let decided = |caller: &Caller, uri, shown_by: &[&str]| {
        let page = Capability { kind: CapabilityKind::Resource, name: uri, shown_by };
        word(&policy.decide(&caller.rights(), &page, Arguments::NONE))
    };
    let caller = Caller::default();
    assert_eq!(decided(&caller, "ui://chart/view", &["hidden", "chart"]), "allow");
    assert_eq!(decided(&caller, "ui://chart/view", &[]), "hide");
    assert_eq!(decided(&caller, "ui://chart/view", &["hidden"]), "hide");
    assert_eq!(decided(&caller, "ui://audit/view", &["audit"]), "hide");
    assert_eq!(decided(&Caller::with(&[], &["support"]), "ui://audit/view", &["audit"]), "allow");
    assert_eq!(decided(&caller, "file:///etc/passwd", &["chart"]), "hide");
    assert_eq!(decided(&caller, "ui://chart/../audit", &["chart"]), "hide");
}

#[test]
fn an_explanation_is_the_trace_of_the_decision() {
    let rules = vec![
        Rule { scopes: owned(&["write"]), ..tools_rule(&["del*", "delete"]) },
        Rule { roles: owned(&["support"]), conditions: vec![condition("/team", "OPS")], ..tools_rule(&["delete"]) },
    ];
    let policy = allowing_tools(&["delete"], rules);
    let caller = Caller::with(&["write"], &["support"]);
    let explained = policy.explain(&caller.rights(), &tool("delete"), Some(Arguments::of(r#"{"team":"DEV"}"#)));
    let expected = serde_json::json!({
        "decision": "deny",
        "listed": true,
        "rule": 1,
        "need": {"condition": {"argument": "/team", "fails": "equals"}},
        "filter": {"allowed": {"name": "delete"}},
        "rules": [
            {"rule": 0, "named_by": {"name": "delete"}, "needs": [{"need": {"scope": "write"}, "holds": true}]},
            {"rule": 1, "named_by": {"name": "delete"}, "needs": [
                {"need": {"role": ["support"]}, "holds": true},
                {"need": {"condition": {"argument": "/team", "fails": "equals"}}, "holds": false}
            ]}
        ]
    });
    assert_eq!(serde_json::to_value(&explained).unwrap(), expected);
    let hidden = policy.explain(&caller.rights(), &tool("Delete"), None);
    let expected = serde_json::json!({"decision": "hide", "listed": false, "filter": "not_allowed", "rules": []});
    assert_eq!(serde_json::to_value(&hidden).unwrap(), expected);
}

#[test]
fn what_means_nothing_on_the_server_is_reported() {
    let filters = PerKind {
        tools: Some(names(&["list", "lsit", "get_*", "put_*"])),
        prompts: Some(names(&["hello"])),
        ..PerKind::default()
    };
    let rules = vec![tools_rule(&["LIST", "delete", "get_*", "hidden"]), tools_rule(&["rm_*"])];
    let policy = policy(filters, rules);
    let dead = |kind, names: &[&str]| -> Vec<String> {
        let dead = policy.dead_entries(kind, names);
        dead.into_iter().map(|dead| format!("{:?} {:?}", dead.rule, dead.entry)).collect()
    };
    assert_eq!(
        dead(CapabilityKind::Tool, &["list", "get_issue", "hidden"]),
        [
            "None Name(\"lsit\")",
            "None Pattern(\"put_*\")",
            "Some(0) Name(\"delete\")",
            "Some(0) Name(\"hidden\")",
            "Some(1) Pattern(\"rm_*\")"
        ]
    );
    assert_eq!(dead(CapabilityKind::Prompt, &["Hello"]), ["None Name(\"hello\")"]);
    assert!(dead(CapabilityKind::Resource, &["x"]).is_empty());
}

#[test]
fn ten_thousand_rules_are_found_by_name() {
    let rule = |n: usize| Rule { scopes: owned(&["write"]), ..tools_rule(&[&format!("tool_{n}")]) };
    let many: Vec<String> = (0..10_000).map(|n| format!("tool_{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let policy = allowing_tools(&many, (0..10_000).map(rule).collect());
    let caller = Caller::default();
    for n in [0, 4_711, 9_999] {
        let decision = policy.decide(&caller.rights(), &tool(many[n]), Arguments::NONE);
        assert_eq!(word(&decision), format!("scope {n}"));
        assert_eq!(policy.named.tools.naming(many[n]).count(), 1, "the others are not looked at");
    }
    assert_eq!(word(&policy.decide(&caller.rights(), &tool("tool_10000"), Arguments::NONE)), "hide");
    assert_eq!(policy.dead_entries(CapabilityKind::Tool, &many[1..]).len(), 2);
}

/// Names near the one that is allowed, and anything else.
fn any_name() -> impl Strategy<Value = String> {
    let near = prop::sample::select(vec![
        "get_issue",
        "Get_issue",
        "GET_ISSUE",
        "get_iſsue",
        "gеt_issue",
        "get_issue ",
        " get_issue",
        "get_issue\0",
        "get%5Fissue",
        "%67et_issue",
        "get_issue\u{200b}",
        "get\u{2010}issue",
        "__proto__",
        "constructor",
        "toString",
        "",
        "*",
        "get_*",
        "issue_",
        "issue_a",
        "Issue_a",
        "issue_*",
        "ïssue_a",
        "issue%5Fa",
    ]);
    prop_oneof![near.prop_map(str::to_owned), "\\PC{0,16}", "[gG][eE][tT]_[iI]ssue"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn nothing_but_what_a_filter_means_is_allowed(name in any_name(), kind in 0..4_usize, arguments in "\\PC{0,9}") {
        let kind = CapabilityKind::ALL[kind];
        let mut filters = PerKind::default();
        *filters.of_mut(kind) = Some(names(&["get_issue", "issue_*"]));
        let policy = policy(filters, vec![]);
        let caller = Caller::with(&["write", "mcp:tools"], &["admin"]);
        let capability = Capability { kind, name: &name, shown_by: &["get_issue"] };
        let meant = name == "get_issue" || name.starts_with("issue_");
        let decision = policy.decide(&caller.rights(), &capability, Arguments::of(&arguments));
        if meant && kind != CapabilityKind::Resource {
            prop_assert_eq!(decision, Decision::Allow);
        } else if !meant {
            prop_assert_eq!(decision, Decision::Hide);
            prop_assert!(!policy.is_listed(&caller.rights(), &capability));
        }
    }

    /// However rules and rights are mixed: the decision follows from single rules, and its explanation agrees.
    #[test]
    fn a_decision_follows_from_every_rule_that_names_it(
        rules in prop::collection::vec((prop::sample::select(vec!["a", "b", "*", "a*"]), 0..8_u8), 0..6),
        has in 0..8_u8,
        visible: bool,
    ) {
        let made = rules.iter().map(|(entry, needs)| Rule {
            roles: if needs & 1 > 0 { owned(&["r"]) } else { vec![] },
            scopes: if needs & 2 > 0 { owned(&["s"]) } else { vec![] },
            conditions: if needs & 4 > 0 { vec![condition("/x", "y")] } else { vec![] },
            ..tools_rule(&[entry])
        });
        let policy = allowing_tools(if visible { &["a"] } else { &["b"] }, made.collect());
        let caller = Caller::with(if has & 2 > 0 { &["s"] } else { &[] }, if has & 1 > 0 { &["r"] } else { &[] });
        let arguments = Arguments::of(if has & 4 > 0 { r#"{"x":"y"}"# } else { "{}" });
        let lacking = |what: u8| rules.iter().position(|(entry, needs)| *entry != "b" && needs & what & !has > 0);
        let expected = match (visible, lacking(1), lacking(2), lacking(4)) {
            (false, ..) => "hide".to_owned(),
            (_, Some(rule), ..) => format!("role {rule}"),
            (_, _, Some(rule), _) => format!("scope {rule}"),
            (_, _, _, Some(rule)) => format!("condition {rule}"),
            _ => "allow".to_owned(),
        };
        let decision = policy.decide(&caller.rights(), &tool("a"), arguments);
        prop_assert_eq!(word(&decision), expected);
        prop_assert_eq!(decision.is_listed(), visible && lacking(1).is_none());
        prop_assert_eq!(policy.is_listed(&caller.rights(), &tool("a")), decision.is_listed());
        let explained = policy.explain(&caller.rights(), &tool("a"), Some(arguments));
        let denial = if let Decision::Deny(denial) = &decision { Some(denial) } else { None };
        prop_assert_eq!(explained.rule, denial.map(|denial| denial.rule));
        prop_assert_eq!(explained.need, denial.map(|denial| denial.need));
        prop_assert_eq!(explained.listed, decision.is_listed());
        let failing = explained.rules.iter().any(|rule| rule.needs.iter().any(|need| !need.holds));
        prop_assert_eq!(failing, denial.is_some());
    }
}
