//! What becomes of filters and rules, and what is said of those that would mean something else than they say.
//!
//! Not here: what a policy decides (`crate::policy`).

use serde_json::{Value, json};

use crate::config::Config;
use crate::config::tests::{complete, errors, pointers_of, refused, refused_at};
use crate::oauth::scope::ScopeSet;
use crate::policy::{Arguments, Capability, CapabilityKind, ClaimName, ClaimValues, Decision, Requirement, Rights};

const REQUIRE: &str = "/servers/docs/require";

/// Asserts that a rule is refused for one reason, at a place within it.
fn rule_refused(at: &str, rule: &Value, words: &[&str]) {
    refused_at(&format!("{REQUIRE}/0{at}"), REQUIRE, json!([rule]), words);
}

fn condition_refused(at: &str, condition: &Value, words: &[&str]) {
    rule_refused(&format!("/when/~1a{at}"), &json!({"tools": ["search"], "when": {"/a": condition}}), words);
}

fn numbered(count: usize, text: &str) -> Value {
    json!((0..count).map(|n| format!("{n}{text}")).collect::<Vec<_>>())
}

fn takes(pointer: &str, value: Value) {
    let mut document = complete();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    if let Err(errors) = Config::parse(&document.to_string()) {
        panic!("{errors}");
    }
}

#[test]
fn a_policy_decides_as_it_is_written() {
    let config = Config::parse(&complete().to_string()).unwrap();
    let policy = &config.servers["docs"].policy;
    let decided = |kind, name, scopes: &[&str], roles: &[String], arguments| {
        let claims = ClaimValues::default();
        let rights = Rights { scopes: &ScopeSet::of(scopes), roles, claims: &claims };
        match policy.decide(&rights, &Capability::new(kind, name), Arguments::of(arguments)) {
            Decision::Allow => "allow",
            Decision::Hide => "hide",
            Decision::Deny(denial) => match denial.need {
                Requirement::Role(_) => "role",
                Requirement::Claim { .. } => "claim",
                Requirement::Scope(_) => "scope",
                Requirement::Condition { .. } => "condition",
            },
        }
    };
    let support = ["support".to_owned()];
    assert_eq!(decided(CapabilityKind::Tool, "search", &[], &[], "{}"), "allow");
    assert_eq!(decided(CapabilityKind::Tool, "Search", &[], &[], "{}"), "hide");
    assert_eq!(decided(CapabilityKind::Tool, "create_page", &["tools:read"], &[], "{}"), "scope");
    assert_eq!(decided(CapabilityKind::Tool, "create_page", &["tools:write"], &[], "{}"), "allow");
    assert_eq!(decided(CapabilityKind::Tool, "delete_page", &[], &[], "{}"), "role");
    assert_eq!(decided(CapabilityKind::Tool, "delete_page", &[], &support, "{}"), "claim");
    assert_eq!(decided(CapabilityKind::Prompt, "write", &["tools:write"], &[], "{}"), "hide");
    assert_eq!(decided(CapabilityKind::Resource, "docs://page/1", &["tools:write"], &[], "{}"), "allow");
    assert_eq!(decided(CapabilityKind::Resource, "docs://pages", &["tools:write"], &[], "{}"), "hide");
    assert!(config.servers["linear"].policy.is_empty());
    assert_eq!(config.roles_of_rules().into_iter().collect::<Vec<_>>(), ["support"]);
    assert_eq!(config.claims().into_iter().map(ClaimName::as_str).collect::<Vec<_>>(), ["department"]);
    assert_eq!(config.supported_scope().to_string(), "mcp:tools offline_access tools:read tools:write");
}

#[test]
fn an_entry_that_could_mean_nothing_is_refused() {
    let allow = |at: &str, entries: Value, words: &[&str]| {
        refused_at(&format!("/servers/docs/tools/allow{at}"), "/servers/docs/tools/allow", entries, words);
    };
    allow("/0", json!(["create_*"]), &["* means itself", "allow_patterns"]);
    allow("/1", json!(["a", "a"]), &["entry before"]);
    allow("/0", json!([""]), &["names nothing"]);
    allow("/0", json!([" a"]), &["names nothing"]);
    allow("/0", json!(["a\u{0}"]), &["names nothing"]);
    allow("/0", json!(["a".repeat(2049)]), &["too long"]);
    allow("/0", json!([5]), &["write a string"]);
    allow("", numbered(10_001, "a"), &["10001 entries", "10000"]);
    let patterns = |at: &str, entries: Value, words: &[&str]| {
        let place = "/servers/docs/tools/allow_patterns";
        refused_at(&format!("{place}{at}"), place, entries, words);
    };
    patterns("/0", json!(["create"]), &["no *", "\"allow\""]);
    patterns("/0", json!(["create_**"]), &["two *"]);
    patterns("/0", json!([""]), &["names nothing"]);
    for regular in ["^create_.*", "create_.*$", "(a|b)*", "[a-z]*", "a?b*", "\\w*"] {
        patterns("/0", json!([regular]), &["any run of characters"]);
    }
    patterns("/1", json!(["a*", "a*"]), &["entry before"]);
    patterns("", numbered(1_001, "a*"), &["1001 entries"]);
    refused("/servers/docs/tools", json!({}), &["does not say", "hides everything"]);
    refused("/servers/docs/tools", json!([]), &["is a list", "allow"]);
    refused("/servers/docs/tools/deny", json!(["a"]), &["not a field"]);
    let place = "/servers/docs/resources/allow";
    refused_at(&format!("{place}/0"), place, json!(["a"]), &["no URI", "scheme"]);
    let place = "/servers/docs/resources/allow_patterns";
    refused_at(&format!("{place}/0"), place, json!(["file:///a/../*"]), &["leads where it says"]);
}

#[test]
fn what_a_filter_may_be_is_taken() {
    takes("/servers/docs/tools", json!({"allow": []}));
    takes("/servers/docs/tools", json!({"allow_patterns": ["*", "a.*"]}));
    takes("/servers/docs/resources", json!({"allow": ["file:///a/../b"], "allow_patterns": ["*.md", "x://a?b+(c)*"]}));
    takes("/servers/docs/require", json!([]));
    takes("/servers/docs/require", json!([{"tools": ["a", "a*"], "when": {"/a": {"absent": true}}}]));
    let number = json!([-5, 0.25, u64::MAX, i64::MIN]);
    takes("/servers/docs/require", json!([{"tools": ["a"], "when": {"/a": {"one_of": number, "absent": true}}}]));
}

#[test]
fn a_rule_is_about_something_and_needs_something() {
    rule_refused("", &json!({"scopes": ["tools:write"]}), &["names nothing"]);
    rule_refused("", &json!({"tools": [], "roles": ["support"]}), &["names nothing"]);
    rule_refused("", &json!({"tools": ["a"]}), &["needs nothing"]);
    rule_refused("", &json!({"tools": ["a"], "scopes": []}), &["needs nothing"]);
    rule_refused("", &json!("a"), &["plain text"]);
    rule_refused(
        "/tool",
        &json!({"tool": ["a"], "tools": ["a"], "scopes": ["tools:write"]}),
        &["did you mean `tools`"],
    );
    rule_refused("/tools/0", &json!({"tools": ["(a)*"], "scopes": ["tools:write"]}), &["any run"]);
    let reading = json!({"tools": ["a"], "resources": ["x:y"], "when": {"/a": {"equals": 1}}});
    rule_refused("/when", &reading, &["a resource is read without", "rule of their own"]);
    for test in [json!({"minimum": 1}), json!({"equals": 5}), json!({"one_of": [true, 5]})] {
        let prompting = json!({"tools": ["a"], "prompts": ["a"], "when": {"/a": test}});
        rule_refused("/when/~1a", &prompting, &["prompt are texts", "rule of their own"]);
    }
    let rule = json!({"tools": ["a"], "scopes": ["tools:write"]});
    refused_at(REQUIRE, REQUIRE, json!(vec![rule; 10_001]), &["10001 rules", "10000"]);
}

#[test]
fn what_nobody_could_have_is_refused() {
    let rule = |needs: &str, values: Value| json!({"tools": ["a"], needs: values});
    rule_refused("/scopes/0", &rule("scopes", json!(["tools:wirte"])), &["did you mean \"tools:write\"", "scopes"]);
    rule_refused("/scopes/0", &rule("scopes", json!(["a b"])), &["does not exist", "define it"]);
    rule_refused("/scopes/0", &rule("scopes", json!(["mcp:tools"])), &["needs anyway"]);
    rule_refused("/scopes/0", &rule("scopes", json!(["offline_access"])), &["how long"]);
    rule_refused("/scopes/1", &rule("scopes", json!(["tools:write", "tools:write"])), &["entry before"]);
    rule_refused("/roles/0", &rule("roles", json!(["suport"])), &["nobody can have", "did you mean \"support\""]);
    rule_refused("/roles/0", &rule("roles", json!(["0f3c"])), &["nobody can have", "login.roles.map"]);
    rule_refused("/roles/0", &rule("roles", json!([""])), &["no role"]);
    rule_refused("/claims/dept", &rule("claims", json!({"dept": []})), &["nobody could have it"]);
    rule_refused("/claims/dept/0", &rule("claims", json!({"dept": [""]})), &["is empty"]);
    rule_refused("/claims/~1a~02", &rule("claims", json!({"/a~2": ["x"]})), &["names no claim"]);
    let errors = errors("/login/roles", json!(null));
    assert_eq!(pointers_of(&errors), [format!("{REQUIRE}/1/roles/0")], "{errors}");
    assert!(errors.to_string().contains("login.roles"), "{errors}");
}

#[test]
fn a_condition_says_something_that_can_be_true() {
    condition_refused("", &json!({}), &["says nothing", "absent"]);
    condition_refused("", &json!({"absent": false}), &["says nothing"]);
    condition_refused("", &json!({"equals": null}), &["says nothing"]);
    condition_refused("", &json!({"equals": "a", "prefix": "a"}), &["alone"]);
    condition_refused("/equals", &json!({"equals": ["a"]}), &["a text, a number, true or false"]);
    condition_refused("/one_of", &json!({"one_of": []}), &["no value could pass"]);
    condition_refused("/one_of/1", &json!({"one_of": [1, 1.0]}), &["there already"]);
    condition_refused("/prefix", &json!({"prefix": ""}), &["every text"]);
    condition_refused("/maximum", &json!({"minimum": 2, "maximum": 1}), &["smaller than the minimum"]);
    condition_refused("/minimum", &json!({"minimum": "1"}), &["plain text", "number"]);
    condition_refused("/max_length", &json!({"max_length": -1}), &["whole number"]);
    condition_refused("/matches", &json!({"matches": ".*"}), &["not a field"]);
    for inexact in ["18446744073709551616", "100000000000000000000001", "0.12345678901234567", "1e300"] {
        let number: Value = serde_json::from_str(inexact).unwrap();
        condition_refused("/equals", &json!({"equals": number}), &["exactly", "64 bits"]);
    }
    let pointer = |pointer: &str, at: &str, words: &[&str]| {
        rule_refused(&format!("/when/{at}"), &json!({"tools": ["a"], "when": {pointer: {"equals": 1}}}), words);
    };
    pointer("team", "team", &["does not begin with /", "write \"/team\""]);
    pointer("", "", &["does not begin with /", "\"/team\""]);
    pointer("/a~", "~1a~0", &["~0 nor ~1"]);
    let cases = json!([{"tools": ["a"], "when": {"/team": {"equals": 1}, "/Team": {"equals": 1}}}]);
    refused_at(REQUIRE, REQUIRE, cases, &["\"/team\"", "case"]);
}

#[test]
fn roles_come_from_a_claim_or_an_account() {
    refused("/login/roles/claim", json!(null), &["is missing", "groups"]);
    refused("/login/roles/claim", json!(""), &["names no claim"]);
    refused("/login/roles/map/0f3d", json!(" "), &["no role"]);
    refused("/login/roles/map/0f3d", json!(["admin"]), &["write a string"]);
    let emptied = errors("/login/roles/map", json!({}));
    assert_eq!(pointers_of(&emptied), ["/login/roles/map", &format!("{REQUIRE}/1/roles/0")], "{emptied}");
    takes("/login/roles", json!({"claim": "/realm_access/roles"}));

    let mut document = complete();
    document["public_url"] = json!("http://localhost:8787");
    document["servers"]["docs"]["require"][1]["claims"] = json!({});
    let mut parse = |accounts: Value| {
        document["login"] = json!({"kind": "dev", "accounts": accounts});
        Config::parse(&document.to_string())
    };
    assert!(parse(json!([{"subject": "eve", "roles": ["support"]}])).is_ok());
    let errors = parse(json!([{"subject": "eve", "roles": ["suport", "suport", ""]}])).unwrap_err();
    let at = ["/login/accounts/0/roles/1", "/login/accounts/0/roles/2", "/servers/docs/require/1/roles/0"];
    assert_eq!(pointers_of(&errors), at, "{errors}");
    document["servers"]["docs"]["require"][1]["claims"] = json!({"department": ["ops"]});
    document["login"] = json!({"kind": "dev", "accounts": [{"subject": "eve", "roles": ["support"]}]});
    let errors = Config::parse(&document.to_string()).unwrap_err();
    assert_eq!(pointers_of(&errors), [format!("{REQUIRE}/1/claims")], "{errors}");
}

#[test]
fn ten_thousand_rules_are_read() {
    let rule = |n: usize| json!({"tools": [format!("tool_{n}")], "scopes": ["tools:write"]});
    takes("/servers/docs/require", json!((0..10_000).map(rule).collect::<Vec<_>>()));
    let patterned = |n: usize| json!({"tools": [format!("tool_{n}*")], "scopes": ["tools:write"]});
    let many = json!((0..1_001).map(patterned).collect::<Vec<_>>());
    refused_at(REQUIRE, REQUIRE, many, &["1001 patterns", "1000 for one server"]);
}
