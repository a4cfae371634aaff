//! Every page with realistic and with hostile values: what holds for all of them is tested here once.
//!
//! To look at them: `cargo test --lib page::gallery -- --ignored` writes each to a file.
//!
//! Not here: what only one page or one value does.

use super::security::csp;
use super::*;

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202E}{{7*7}}";
const SCRIPT_URL: &str = "javascript:alert(document.domain)//\"><script>";

/// One page of each kind, in the states a person meets.
fn realistic() -> Vec<(&'static str, String)> {
    vec![
        ("consent-loopback", consent().render()),
        ("consent-document", consent_of_document().render()),
        ("dev-login", dev_login().render()),
        ("servers", servers(three_servers()).render()),
        ("servers-one", Servers { signed_in: None, ..servers(three_servers().into_iter().take(1).collect()) }.render()),
        ("servers-invitation", Servers { signed_in: None, servers: None, ..servers(vec![]) }.render()),
        ("servers-empty", servers(vec![]).render()),
        ("notice-error", notice().render()),
        ("notice-pending", pending().render()),
        ("notice-success", signed_out().render()),
        ("status", status().render()),
    ]
}

/// The same with every foreign value meant to break out.
fn hostile() -> Vec<(&'static str, String)> {
    let long = format!("{HOSTILE}{}", "A".repeat(300));
    let text = || HOSTILE.to_owned();
    vec![
        (
            "hostile-consent",
            Consent {
                client_name: long.clone(),
                client_origin: ClientOrigin::Document { host: text() },
                redirect_host: text(),
                redirect_uri: SCRIPT_URL.to_owned(),
                loopback: true,
                server_name: text(),
                server_url: text(),
                scopes: vec![ScopeLine { name: text(), what: text() }],
                subject_name: text(),
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
            Servers {
                signed_in: Some(long.clone()),
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
            Servers { signed_in: None, servers: None, sign_in: SCRIPT_URL.to_owned(), ..servers(vec![]) }.render(),
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
                link: Some(Link::new(HOSTILE, SCRIPT_URL)),
                ..notice()
            }
            .render(),
        ),
        ("hostile-status", Status { steps: vec![Step { what: text(), command: long }], ..status() }.render()),
    ]
}

fn consent() -> Consent {
    Consent {
        client_name: "Claude Code".to_owned(),
        client_origin: ClientOrigin::Registered,
        redirect_host: "localhost".to_owned(),
        redirect_uri: "http://localhost:51234/callback".to_owned(),
        loopback: true,
        server_name: "Linear".to_owned(),
        server_url: "https://mcp.example.com/v1/mcp/linear".to_owned(),
        scopes: vec![
            ScopeLine { name: "mcp:tools".to_owned(), what: "See and use this server’s tools as you".to_owned() },
            ScopeLine { name: "offline_access".to_owned(), what: "Stay connected when you are away".to_owned() },
        ],
        subject_name: "Alice Example".to_owned(),
        subject_id: "dev:alice".to_owned(),
        ticket: "AQAAAAFhYmM".to_owned(),
        action: "/oauth/consent".to_owned(),
        sign_out: "/logout?return_to=%2Foauth%2Fauthorize".to_owned(),
    }
}

fn consent_of_document() -> Consent {
    Consent {
        client_name: "Claude".to_owned(),
        client_origin: ClientOrigin::Document { host: "claude.ai".to_owned() },
        redirect_host: "claude.ai".to_owned(),
        redirect_uri: "https://claude.ai/api/mcp/auth_callback".to_owned(),
        loopback: false,
        subject_name: "alice@example.com".to_owned(),
        subject_id: "id.example.com|9f2c41d7a0b34e".to_owned(),
        ..consent()
    }
}

fn dev_login() -> DevLogin {
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

fn three_servers() -> Vec<ServerCard> {
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

fn servers(servers: Vec<ServerCard>) -> Servers {
    Servers {
        signed_in: Some("Alice Example".to_owned()),
        servers: Some(servers),
        sign_in: "/login?return_to=%2F".to_owned(),
        sign_out: "/logout".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

fn notice() -> Notice {
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
    }
}

fn pending() -> Notice {
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

fn signed_out() -> Notice {
    Notice {
        tone: Tone::Success,
        title: "You are signed out".to_owned(),
        happened: "Clients you approved keep their access.".to_owned(),
        todo: String::new(),
        reason: None,
        link: Some(Link::new("Back to the servers", "/")),
        ..pending()
    }
}

fn status() -> Status {
    let step = |what: &str, command: &str| Step { what: what.to_owned(), command: command.to_owned() };
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

#[test]
fn every_page_says_its_language_title_and_size_and_has_one_main_heading() {
    for (name, page) in realistic() {
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert!(page.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"), "{name}");
        assert!(page.contains(" · MCP gateway</title>") && !page.contains("<title> ·"), "{name}");
        assert_eq!((page.matches("<h1>").count(), page.matches("<main>").count()), (1, 1), "{name}");
    }
}

#[test]
fn no_page_has_script_handlers_inline_style_or_anything_to_load() {
    for (name, page) in realistic().into_iter().chain(hostile()) {
        for forbidden in ["<script", "<img", "<iframe", "<object", " style=", " src=", " srcset=", " on"] {
            assert!(!tags(&page).contains(forbidden), "{forbidden} in {name}");
        }
    }
}

#[test]
fn the_stylesheet_loads_nothing() {
    assert!(!STYLE.contains("@import") && !STYLE.contains("url(") && !STYLE.contains('<'));
}

#[test]
fn a_foreign_value_stays_text() {
    for (name, page) in hostile() {
        assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains('\u{202E}'), "{name}");
        assert!(page.contains("&#60;script&#62;") || name == "hostile-invitation", "{name} shows it");
    }
}

#[test]
fn links_and_forms_lead_to_known_schemes_only() {
    for (name, page) in realistic().into_iter().chain(hostile()) {
        for (_, rest) in page.match_indices(" href=\"").map(|(at, found)| page.split_at(at + found.len())) {
            let target = rest.split('"').next().unwrap();
            let known = [
                "/",
                "https://",
                "http://",
                "data:image/svg+xml,",
                "cursor://anysphere.cursor-deeplink/",
                "vscode:mcp/install?",
            ];
            assert!(known.iter().any(|prefix| target.starts_with(prefix)), "{target} in {name}");
        }
    }
}

#[test]
fn the_policy_allows_exactly_the_style_that_is_sent() {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};
    for (name, page) in realistic() {
        let sent = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = Base64::encode_string(&Sha256::digest(sent.as_bytes()));
        assert!(csp(&[]).contains(&format!("style-src 'sha256-{hash}';")), "{name}");
        assert_eq!(page.matches("<style").count(), 1, "{name}");
    }
}

#[test]
fn consent_names_all_a_person_must_know_and_posts_one_decision() {
    let page = consent().render();
    for known in ["Claude Code", "not verified", "localhost", "http://localhost:51234/callback", "app on this computer"]
    {
        assert!(page.contains(known), "{known}");
    }
    for known in
        ["Linear", "https://mcp.example.com/v1/mcp/linear", "mcp:tools", "offline_access", "Alice Example", "dev:alice"]
    {
        assert!(page.contains(known), "{known}");
    }
    assert!(page.contains(r#"<form class="decision" method="post" action="/oauth/consent">"#));
    assert!(page.contains(r#"name="ticket" value="AQAAAAFhYmM""#));
    assert!(page.contains(r#"name="decision" value="approve""#) && page.contains(r#"name="decision" value="deny""#));
    assert!(!consent_of_document().render().contains("app on this computer"), "a web client gets no warning");
    assert!(consent_of_document().render().contains("Published at <strong>claude.ai</strong>"));
}

#[test]
fn the_invitation_shows_no_server() {
    let page = Servers { signed_in: None, servers: None, ..servers(vec![]) }.render();
    assert!(page.contains("Sign in to see your servers") && page.contains(r#"href="/login?return_to=%2F""#));
}

#[test]
fn a_notice_carries_reason_slug_and_request_id() {
    let page = notice().render();
    for known in
        ["redirect_uri_not_registered", "linear", "8f14e45fceea167a", "Requested", "http://localhost:8787/callback/"]
    {
        assert!(page.contains(known), "{known}");
    }
}

#[test]
#[ignore = "writes every page to a file, for a person to look at"]
fn write_every_page() {
    let folder = std::env::temp_dir().join("mcp-gateway-pages");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, page) in realistic().into_iter().chain(hostile()) {
        std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
    }
    println!("{}", folder.display());
}

/// The tags with their attributes' names: text and quoted values may say anything.
fn tags(page: &str) -> String {
    let inside = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    inside.flat_map(|tag| ["<"].into_iter().chain(tag.split('"').step_by(2))).collect()
}
