//! The pages of the gallery, realistic and hostile: connecting accounts, and what is connected.
//!
//! Not here: the other pages (`samples`), and what must hold (`gallery`).

use super::agents;
use super::samples::{HOSTILE, SCRIPT_URL, notice};
use crate::page::{
    AccountEntry, AccountStanding, Cancelled, ClientEntry, Connect, ConnectAccount, ConnectField, ConnectWay,
    ConnectedServer, Connections, FormChoice, KeyEntry, KeyOffer, KeysCard, MadeKey, Notice, Occasion, PageLink,
    RolesEntry, Tone, Usage,
};
use crate::time::Timestamp;

pub(super) fn realistic() -> Vec<(&'static str, String)> {
    vec![
        ("connect", connect().render()),
        ("connect-alone", Connect { client_name: None, ..connect() }.render()),
        ("connect-renewal", Connect { occasion: Occasion::Renewal, client_name: None, ..connect() }.render()),
        ("connect-more", Connect { occasion: Occasion::MoreAccess, client_name: None, ..connect() }.render()),
        ("connect-shared", Connect { shared: true, client_name: None, ..connect() }.render()),
        ("connect-key", connect_by_key().render()),
        ("connect-choose", connect_or_choose().render()),
        ("connections", connections().render()),
        ("connections-keys", with_keys().render()),
        ("connections-agents", with_agents().render()),
        ("connections-key-made", key_made().render()),
        ("connections-none", no_connections().render()),
        ("connections-roles", roles(&["support", "gateway-admin"], false).render()),
        ("connections-no-roles", roles(&[], true).render()),
        ("connections-roles-unknown", unknown_roles().render()),
        ("cancelled", cancelled().render()),
        ("cancelled-alone", Cancelled { client_name: None, ..cancelled() }.render()),
        ("notice-connected", connected().render()),
        ("notice-cannot-connect", cannot_connect().render()),
    ]
}

pub(super) fn hostile() -> Vec<(&'static str, String)> {
    let long = format!("{HOSTILE}{}", "A".repeat(300));
    let text = || HOSTILE.to_owned();
    let foreign = Connect {
        server_name: long.clone(),
        server_url: text(),
        client_name: Some(long.clone()),
        accounts: vec![ConnectAccount {
            account: text(),
            label: long.clone(),
            upstream_name: Some(long.clone()),
            live: true,
        }],
        account: text(),
        label: Some(text()),
        problem: Some(text()),
        subject_name: text(),
        subject_email: Some(text()),
        subject_id: long.clone(),
        ticket: text(),
        action: text(),
        sign_out: text(),
        way: ConnectWay::OAuth { host: text(), scopes: vec![text(), long.clone()] },
        ..connect()
    };
    let fields = vec![ConnectField { header: text(), label: long.clone() }];
    let account = AccountEntry {
        account: text(),
        label: long.clone(),
        upstream_name: Some(text()),
        scopes: vec![text()],
        reconnect: Some(SCRIPT_URL.to_owned()),
        ..account("1", "Work", AccountStanding::MustBeRenewed)
    };
    let page = Connections {
        signed_in: long.clone(),
        subject_id: text(),
        news: Some(text()),
        made: Some(MadeKey { name: long.clone(), text: text() }),
        keys: Some(KeysCard {
            keys: vec![KeyEntry {
                id: text(),
                name: long.clone(),
                servers: Some(vec![long.clone(), text()]),
                scopes: vec![text()],
                used: Some((Timestamp(0), Some(text()))),
                ..key("CI")
            }],
            offer: Some(KeyOffer {
                servers: vec![choice(HOSTILE, &long)],
                scopes: vec![choice(HOSTILE, &long)],
                lifetimes: vec![choice(HOSTILE, &long)],
                suggested: "90",
            }),
        }),
        agents: Some(agents::hostile()),
        servers: vec![ConnectedServer {
            slug: text(),
            name: long.clone(),
            detail: Some(text()),
            accounts: vec![account],
            connect: Some(SCRIPT_URL.to_owned()),
        }],
        clients: vec![ClientEntry {
            grant: text(),
            name: long.clone(),
            uses: vec![Usage { server_name: text(), account: Some(text()) }],
            since: Timestamp(0),
        }],
        roles: Some(RolesEntry { roles: vec![text(), long.clone()], incomplete: true, at: Some(Timestamp(0)) }),
        form: text(),
        action: text(),
        sign_out: text(),
        index: SCRIPT_URL.to_owned(),
    };
    vec![
        ("hostile-connect", foreign.render()),
        ("hostile-connect-key", Connect { way: ConnectWay::Headers { host: text(), fields }, ..foreign }.render()),
        ("hostile-connections", page.render()),
        (
            "hostile-cancelled",
            Cancelled {
                server_name: long.clone(),
                host: text(),
                said: text(),
                client_name: Some(long),
                connections: Some(SCRIPT_URL.to_owned()),
                account: text(),
                ticket: text(),
                action: text(),
                request_id: text(),
                ..cancelled()
            }
            .render(),
        ),
    ]
}

pub(super) fn connect() -> Connect {
    Connect {
        server_name: "Linear".to_owned(),
        server_url: "https://mcp.linear.app/mcp".to_owned(),
        occasion: Occasion::First,
        way: ConnectWay::OAuth {
            host: "auth.linear.app".to_owned(),
            scopes: vec!["read".to_owned(), "write".to_owned(), "issues:create".to_owned()],
        },
        shared: false,
        client_name: Some("Claude Code".to_owned()),
        accounts: vec![],
        account: "1".to_owned(),
        label: None,
        problem: None,
        subject_name: "Alice Example".to_owned(),
        subject_email: Some("alice@example.com".to_owned()),
        subject_id: "dev:alice".to_owned(),
        ticket: "AQAAAAFhYmM".to_owned(),
        action: "/connect/linear".to_owned(),
        sign_out: "/logout?return_to=%2Fconnect%2Flinear".to_owned(),
    }
}

pub(super) fn connect_by_key() -> Connect {
    let fields = vec![ConnectField { header: "x-api-key".to_owned(), label: "Your API key".to_owned() }];
    Connect {
        server_name: "Tasks".to_owned(),
        server_url: "https://tasks.example.com/mcp".to_owned(),
        way: ConnectWay::Headers { host: "tasks.example.com".to_owned(), fields },
        problem: Some("Your API key has a space or a line break in it. Copy it again without.".to_owned()),
        action: "/connect/tasks".to_owned(),
        ..connect()
    }
}

pub(super) fn connect_or_choose() -> Connect {
    let account = |account: &str, label: &str, live| ConnectAccount {
        account: account.to_owned(),
        label: label.to_owned(),
        upstream_name: (account == "1").then(|| "alice@work.example".to_owned()),
        live,
    };
    Connect {
        accounts: vec![account("1", "Work", true), account("2", "Open source", false)],
        account: "3".to_owned(),
        label: Some(String::new()),
        way: ConnectWay::OAuth { host: "auth.linear.app".to_owned(), scopes: vec![] },
        ..connect()
    }
}

fn account(account: &str, label: &str, standing: AccountStanding) -> AccountEntry {
    AccountEntry {
        account: account.to_owned(),
        label: label.to_owned(),
        upstream_name: (account == "1").then(|| "alice@work.example".to_owned()),
        since: Timestamp(1_793_664_000),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        standing,
        reconnect: Some(format!("/connect/linear?account={account}")),
    }
}

pub(super) fn connections() -> Connections {
    let server = |slug: &str, name: &str, accounts| ConnectedServer {
        slug: slug.to_owned(),
        name: name.to_owned(),
        detail: Some(format!("{slug}.example.com")),
        accounts,
        connect: Some(format!("/connect/{slug}")),
    };
    let gone = ConnectedServer {
        detail: None,
        connect: None,
        ..server(
            "wiki",
            "wiki",
            vec![AccountEntry { scopes: vec![], reconnect: None, ..account("1", "", AccountStanding::ServerGone) }],
        )
    };
    let key = AccountEntry { scopes: vec![], upstream_name: None, ..account("1", "", AccountStanding::NotChecked) };
    let accounts = vec![
        account("1", "Work", AccountStanding::Connected),
        account("2", "Open source", AccountStanding::MustBeRenewed),
        AccountEntry {
            scopes: vec!["https://www.googleapis.com/auth/calendar.events.readonly".to_owned()],
            ..account("3", " ", AccountStanding::Outdated)
        },
    ];
    let usage = |server: &str, account: Option<&str>| Usage {
        server_name: server.to_owned(),
        account: account.map(str::to_owned),
    };
    let client = |grant: &str, name: &str, uses: Vec<Usage>| ClientEntry {
        grant: grant.to_owned(),
        name: name.to_owned(),
        uses,
        since: Timestamp(1_795_176_974),
    };
    Connections {
        signed_in: "Alice Example".to_owned(),
        subject_id: "dev:alice".to_owned(),
        news: Some("Docs is disconnected.".to_owned()),
        servers: vec![
            server("linear", "Linear", accounts),
            server("tasks", "Tasks", vec![key]),
            server("docs", "Docs", vec![]),
            gone,
        ],
        clients: vec![
            client("g1", "Claude Code", vec![usage("Linear", Some("Work")), usage("Docs", None)]),
            client("g2", "Cursor", vec![usage("Linear", None)]),
        ],
        made: None,
        keys: None,
        agents: None,
        roles: None,
        form: "c2VhbGVk".to_owned(),
        action: "/connections".to_owned(),
        sign_out: "/logout".to_owned(),
        index: "/".to_owned(),
    }
}

pub(super) fn no_connections() -> Connections {
    Connections { news: None, servers: vec![], clients: vec![], ..connections() }
}

fn key(name: &str) -> KeyEntry {
    KeyEntry {
        id: "AQEBAQEBAQEBAQEBAQEBAQ".to_owned(),
        name: name.to_owned(),
        servers: Some(vec!["Linear".to_owned(), "Docs".to_owned()]),
        scopes: vec!["mcp.invoke".to_owned(), "tools:read".to_owned()],
        since: Timestamp(1_793_664_000),
        until: Timestamp(1_801_440_000),
        has_expired: false,
        used: Some((Timestamp(1_795_176_974), Some("192.0.2.0/24".to_owned()))),
    }
}

pub(super) fn choice(name: &str, title: &str) -> FormChoice {
    FormChoice { name: name.to_owned(), title: title.to_owned() }
}

fn with_keys() -> Connections {
    let expired = KeyEntry { has_expired: true, servers: None, used: None, ..key("Old laptop") };
    let offer = KeyOffer {
        servers: vec![choice("linear", "Linear"), choice("docs", "Docs")],
        scopes: vec![choice("tools:read", "Read issues and comments"), choice("tools:write", "Change issues")],
        lifetimes: vec![choice("30", "30 days"), choice("90", "90 days"), choice("365", "One year")],
        suggested: "90",
    };
    let keys = Some(KeysCard { keys: vec![key("Nightly report"), expired], offer: Some(offer) });
    Connections { keys, news: None, ..connections() }
}

fn with_agents() -> Connections {
    Connections { agents: Some(agents::realistic()), news: None, ..connections() }
}

fn key_made() -> Connections {
    let text = "mcpg_key_003jvi53z3IKhhiFXFOpFdRMCCnvyRaNLHN0M4E1kuN0000000".to_owned();
    Connections { made: Some(MadeKey { name: "Nightly report".to_owned(), text }), ..with_keys() }
}

fn roles(roles: &[&str], incomplete: bool) -> Connections {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let entry = RolesEntry { roles, incomplete, at: Some(Timestamp(1_795_176_974)) };
    Connections { roles: Some(entry), ..no_connections() }
}

fn unknown_roles() -> Connections {
    let entry = RolesEntry { roles: vec![], incomplete: false, at: None };
    Connections { roles: Some(entry), ..no_connections() }
}

pub(super) fn cancelled() -> Cancelled {
    Cancelled {
        server_name: "Linear".to_owned(),
        host: "auth.linear.app".to_owned(),
        said: "The authorization server refused: access_denied (The person said no.).".to_owned(),
        client_name: Some("Claude Code".to_owned()),
        connections: Some("/connections".to_owned()),
        account: "1".to_owned(),
        ticket: "AQAAAAFhYmM".to_owned(),
        action: "/connect/linear".to_owned(),
        reason: "upstream_access_denied",
        request_id: "8f14e45fceea167a".to_owned(),
    }
}

fn connected() -> Notice {
    Notice {
        tone: Tone::Success,
        title: "Linear is connected".to_owned(),
        happened: "You can close this page and go on in your client.".to_owned(),
        todo: String::new(),
        facts: vec![],
        reason: None,
        link: Some(PageLink::new("Your connections", "/connections")),
        support: None,
        ..notice()
    }
}

fn cannot_connect() -> Notice {
    Notice {
        tone: Tone::Error,
        title: "Linear cannot be connected".to_owned(),
        happened: "The server says that it is another resource than the one it is configured as.".to_owned(),
        todo: "Ask the operator to correct the server's url.".to_owned(),
        facts: vec![
            ("Expected".to_owned(), "https://mcp.linear.app/mcp".to_owned()),
            ("Advertised".to_owned(), "https://mcp.linear.example/mcp".to_owned()),
        ],
        reason: Some("upstream_resource_mismatch"),
        link: Some(PageLink::new("Try again", "/connect/linear")),
        ..notice()
    }
}
