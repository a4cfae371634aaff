//! The pages of the gallery, realistic and hostile: sign-in, consent, servers, notices.
//!
//! Not here: connecting (`connecting`), and what must hold (`gallery`).

use super::{checking, connecting, operating};
use crate::page::{
    ClientOrigin, Consent, DevLogin, DevLoginAccount, Finding, Notice, PageLink, ReadinessPage, ScopeLine, ScopeUse,
    ServerCard, ServerPage, ServersPage, SignOut, Status, StatusStep, SupportCopy, Tone,
};

pub(super) const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202E}{{7*7}}";
pub(super) const SCRIPT_URL: &str = "javascript:alert(document.domain)//\"><script>";

/// One page of each kind, in the states a person meets.
pub(super) fn realistic() -> Vec<(&'static str, String)> {
    let mut pages = vec![
        ("consent-loopback", consent().render()),
        ("consent-document", consent_of_document().render()),
        ("consent-choice", consent_to_tools().render()),
        ("consent-brief", Consent { brief: true, ..consent() }.render()),
        ("dev-login", dev_login().render()),
        ("servers", servers(three_servers()).render()),
        (
            "servers-one",
            ServersPage {
                signed_in: None,
                connections: None,
                ..servers(three_servers().into_iter().take(1).collect())
            }
            .render(),
        ),
        (
            "servers-invitation",
            ServersPage { signed_in: None, servers: None, connections: None, ..servers(vec![]) }.render(),
        ),
        ("servers-empty", servers(vec![]).render()),
        ("servers-fifty", servers(fifty_servers()).render()),
        ("server", server().render()),
        ("ready", readiness().render()),
        ("not-ready", not_ready().render()),
        ("notice-error", notice().render()),
        ("notice-pending", pending().render()),
        ("notice-success", signed_out().render()),
        ("sign-out", SignOut { action: "/logout?return_to=%2Fconnections".to_owned() }.render()),
        ("status", status().render()),
    ];
    pages.extend(connecting::realistic());
    pages.extend(operating::realistic());
    pages.extend(checking::realistic());
    pages
}

/// The same with every foreign value meant to break out.
pub(super) fn hostile() -> Vec<(&'static str, String)> {
    let long = format!("{HOSTILE}{}", "A".repeat(300));
    let text = || HOSTILE.to_owned();
    let mut pages = vec![
        (
            "hostile-consent",
            Consent {
                brief: false,
                client_name: long.clone(),
                client_origin: ClientOrigin::Document { host: text() },
                redirect_host: text(),
                redirect_uri: SCRIPT_URL.to_owned(),
                loopback: true,
                server_name: text(),
                server_url: text(),
                scopes: vec![ScopeLine {
                    uses: vec![ScopeUse { kind: "Tools", names: vec![text(), long.clone()] }],
                    optional: true,
                    ..scope(HOSTILE, HOSTILE)
                }],
                subject_name: text(),
                subject_email: Some(text()),
                subject_id: long.clone(),
                ticket: text(),
                action: "/oauth/consent\"><script>".to_owned(),
                sign_out: "/logout\"><script>".to_owned(),
            }
            .render(),
        ),
        (
            "hostile-dev-login",
            DevLogin {
                accounts: vec![DevLoginAccount { subject: text(), name: Some(long.clone()), email: Some(text()) }],
                action: text(),
                state: text(),
            }
            .render(),
        ),
        (
            "hostile-servers",
            ServersPage {
                signed_in: Some(long.clone()),
                connections: Some(SCRIPT_URL.to_owned()),
                sign_in: SCRIPT_URL.to_owned(),
                ..servers(vec![ServerCard {
                    slug: text(),
                    name: long.clone(),
                    url: SCRIPT_URL.to_owned(),
                    description: Some(text()),
                }])
            }
            .render(),
        ),
        (
            "hostile-invitation",
            ServersPage { signed_in: None, servers: None, sign_in: SCRIPT_URL.to_owned(), ..servers(vec![]) }.render(),
        ),
        (
            "hostile-notice",
            Notice {
                title: text(),
                happened: long.clone(),
                todo: text(),
                facts: vec![(text(), long.clone())],
                slug: Some(text()),
                request_id: text(),
                link: Some(PageLink::new(HOSTILE, SCRIPT_URL)),
                support: Some(support(HOSTILE)),
                ..notice()
            }
            .render(),
        ),
        ("hostile-sign-out", SignOut { action: text() }.render()),
        (
            "hostile-server",
            ServerPage {
                server: ServerCard { slug: text(), name: long.clone(), url: text(), description: Some(text()) },
                index: SCRIPT_URL.to_owned(),
            }
            .render(),
        ),
        (
            "hostile-not-ready",
            ReadinessPage {
                warnings: vec![Finding { problem: Some(text()), fix: Some(long.clone()), ..finding("login", false) }],
                servers: vec![(long.clone(), SCRIPT_URL.to_owned())],
                public_origin: Some(text()),
                ..not_ready()
            }
            .render(),
        ),
        ("hostile-status", Status { steps: vec![StatusStep { what: text(), command: long }], ..status() }.render()),
    ];
    pages.extend(connecting::hostile());
    pages.extend(operating::hostile());
    pages.extend(checking::hostile());
    pages
}

pub(super) fn consent() -> Consent {
    Consent {
        brief: false,
        client_name: "Claude Code".to_owned(),
        client_origin: ClientOrigin::Registered,
        redirect_host: "localhost".to_owned(),
        redirect_uri: "http://localhost:51234/callback".to_owned(),
        loopback: true,
        server_name: "Linear".to_owned(),
        server_url: "https://mcp.example.com/v1/mcp/linear".to_owned(),
        scopes: vec![
            scope("mcp:tools", "List and use the tools, prompts and resources of this server, as you"),
            ScopeLine {
                optional: true,
                ..scope("offline_access", "Stay connected while you are away, until you revoke it")
            },
        ],
        subject_name: "Alice Example".to_owned(),
        subject_email: None,
        subject_id: "dev:alice".to_owned(),
        ticket: "AQAAAAFhYmM".to_owned(),
        action: "/oauth/consent".to_owned(),
        sign_out: "/logout?return_to=%2Foauth%2Fauthorize".to_owned(),
    }
}

fn scope(name: &str, what: &str) -> ScopeLine {
    ScopeLine { name: name.to_owned(), what: what.to_owned(), uses: Vec::new(), optional: false }
}

/// A client that asks for what the operator's rules ask for.
pub(super) fn consent_to_tools() -> Consent {
    let uses = |kind, names: &[&str]| ScopeUse { kind, names: names.iter().map(|name| (*name).to_owned()).collect() };
    let mut consent = consent();
    let write = ScopeLine {
        uses: vec![
            uses("Tools", &["create_*", "delete_issue", "a_tool_whose_name_is_longer_than_a_telephone_is_wide_by_far"]),
            uses("Resources", &["linear://issue/*"]),
        ],
        optional: true,
        ..scope("issues:write", "Change issues, and everything that belongs to them")
    };
    consent.scopes.insert(1, write);
    consent
}

pub(super) fn consent_of_document() -> Consent {
    Consent {
        client_name: "Claude".to_owned(),
        client_origin: ClientOrigin::Document { host: "claude.ai".to_owned() },
        redirect_host: "claude.ai".to_owned(),
        redirect_uri: "https://claude.ai/api/mcp/auth_callback".to_owned(),
        loopback: false,
        subject_name: "alice@example.com".to_owned(),
        subject_email: Some("alice@example.com".to_owned()),
        subject_id: "id.example.com|9f2c41d7a0b34e".to_owned(),
        ..consent()
    }
}

pub(super) fn dev_login() -> DevLogin {
    let account = |subject: &str, name: &str| DevLoginAccount {
        subject: format!("dev:{subject}"),
        name: Some(name.to_owned()),
        email: Some(format!("{subject}@example.com")),
    };
    DevLogin {
        accounts: vec![account("alice", "Alice Example"), account("bob", "Bob Example")],
        action: "/login".to_owned(),
        state: "c3RhdGU".to_owned(),
    }
}

pub(super) fn three_servers() -> Vec<ServerCard> {
    let card = |slug: &str, name: &str, description: Option<&str>| ServerCard {
        slug: slug.to_owned(),
        name: name.to_owned(),
        url: format!("https://mcp.example.com/v1/mcp/{slug}"),
        description: description.map(str::to_owned),
    };
    vec![
        card("linear", "Linear", Some("Issues, projects and cycles of the product team.")),
        card("docs", "Docs", Some("Search in the engineering handbook and the API reference.")),
        card("demo", "Demo", None),
    ]
}

pub(super) fn fifty_servers() -> Vec<ServerCard> {
    let nth = |at: usize, card: ServerCard| ServerCard { slug: format!("server-{at}"), ..card };
    three_servers().into_iter().cycle().take(50).enumerate().map(|(at, card)| nth(at, card)).collect()
}

pub(super) fn server() -> ServerPage {
    ServerPage { server: three_servers().remove(0), index: "/".to_owned() }
}

fn finding(name: &str, ok: bool) -> Finding {
    Finding { name: name.to_owned(), ok, reason: None, problem: None, fix: None }
}

fn readiness() -> ReadinessPage {
    ReadinessPage {
        ready: true,
        version: "0.1.0".to_owned(),
        configuration: Some(7),
        public_origin: Some("https://mcp.example.com".to_owned()),
        checks: ["storage", "keys", "configuration", "login"].map(|name| finding(name, true)).into(),
        warnings: vec![],
        servers: three_servers().into_iter().map(|card| (card.name, card.url)).collect(),
        request_id: "8f14e45fceea167a".to_owned(),
    }
}

fn not_ready() -> ReadinessPage {
    let login = Finding {
        reason: Some("login_unavailable".to_owned()),
        problem: Some("The identity provider could not be reached.".to_owned()),
        fix: Some("Try again shortly; if it stays, the operator must check login.issuer.".to_owned()),
        ..finding("login", false)
    };
    let host = Finding {
        reason: Some("public_url_mismatch".to_owned()),
        problem: Some(
            "This request came for the host \"gw.internal\", but public_url is https://mcp.example.com.".to_owned(),
        ),
        fix: Some("If people reach the gateway at that host, set public_url to it.".to_owned()),
        ..finding("public url", false)
    };
    ReadinessPage {
        ready: false,
        checks: vec![finding("storage", true), finding("keys", true), finding("configuration", true), login],
        warnings: vec![host],
        servers: vec![],
        ..readiness()
    }
}

pub(super) fn servers(servers: Vec<ServerCard>) -> ServersPage {
    ServersPage {
        signed_in: Some("Alice Example".to_owned()),
        servers: Some(servers),
        connections: Some("/connections".to_owned()),
        sign_in: "/login?return_to=%2F".to_owned(),
        sign_out: "/logout".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

pub(super) fn notice() -> Notice {
    Notice {
        tone: Tone::Error,
        title: "The redirect URI is not registered".to_owned(),
        happened: "Cursor asked to be sent back to an address it has not registered, so you are not sent anywhere."
            .to_owned(),
        todo: "Remove the server in Cursor and add it again. If you maintain the client, register this exact address."
            .to_owned(),
        facts: vec![
            ("Requested".to_owned(), "http://localhost:8787/callback/".to_owned()),
            (
                "Registered".to_owned(),
                "http://localhost:8787/callback\nhttps://www.cursor.com/agents/mcp/oauth/callback".to_owned(),
            ),
        ],
        reason: Some("redirect_uri_not_registered"),
        slug: Some("linear".to_owned()),
        request_id: "8f14e45fceea167a".to_owned(),
        link: None,
        support: Some(support("Cursor")),
    }
}

/// As the gateway writes it, about a client that is called so.
fn support(client: &str) -> SupportCopy {
    SupportCopy {
        text: format!(
            "{{\n  \"v\": 1,\n  \"reason\": \"redirect_uri_not_registered\",\n  \"client\": \"{client}\"\n}}"
        ),
        request_id: "8f14e45fceea167a".to_owned(),
        own_entries: Some("/connections/request?request_id=8f14e45fceea167a".to_owned()),
    }
}

pub(super) fn pending() -> Notice {
    Notice {
        tone: Tone::Error,
        title: "No pending authorization".to_owned(),
        happened: "This request was already answered, or it has waited too long.".to_owned(),
        todo: "Go back to your client and connect again. It opens a fresh page.".to_owned(),
        facts: vec![],
        reason: Some("no_pending_authorization"),
        slug: None,
        ..notice()
    }
}

pub(super) fn signed_out() -> Notice {
    Notice {
        tone: Tone::Success,
        title: "You are signed out".to_owned(),
        happened: "Clients you approved keep their access.".to_owned(),
        todo: String::new(),
        reason: None,
        link: Some(PageLink::new("Back to the servers", "/")),
        support: None,
        ..pending()
    }
}

pub(super) fn status() -> Status {
    let step = |what: &str, command: &str| StatusStep { what: what.to_owned(), command: command.to_owned() };
    Status {
        steps: vec![
            step(
                "Send gateway.json.",
                "curl -X PUT https://mcp.example.com/admin/config -H \"Authorization: Bearer $ADMIN_TOKEN\" -d @gateway.json",
            ),
            step("See what is ready and what is not", "curl -s https://mcp.example.com/status"),
        ],
        version: "0.1.0".to_owned(),
        request_id: "8f14e45fceea167a".to_owned(),
    }
}
