//! The pages of the gallery, realistic and hostile: the console.
//!
//! Not here: the other pages (`samples`, `connecting`), and what must hold (`gallery`).

use super::agents;
use super::charts::{reasons, traffic, what_goes_on};
use super::samples::{HOSTILE, SCRIPT_URL};
use crate::page::{
    AccountStanding, AllowedEntry, Change, Chart, ClientFacts, ClientsPage, ConfigurationPage, ConfigurationProblem,
    ConfirmPage, ConnectedEntry, ConsoleFrame, ConsoleServer, ConsoleServersPage, ConsoleTab, Finding, FoundPerson,
    HeldKey, Judged, OverviewPage, PeoplePage, PersonFacts, PersonPage, PreviousConfiguration, RankingRow,
    RankingTable, Series, ServerStanding, SetUpClient, Traffic,
};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_176_974);
const TABS: [(&str, &str); 5] = [
    ("Overview", "/admin"),
    ("Servers", "/admin/servers"),
    ("People", "/admin/people"),
    ("Clients", "/admin/clients"),
    ("Configuration", "/admin/config"),
];

pub(super) fn realistic() -> Vec<(&'static str, String)> {
    vec![
        ("console-overview", overview().render()),
        ("console-servers", servers().render()),
        ("console-servers-none", ConsoleServersPage { servers: vec![], ..servers() }.render()),
        ("console-people", people(None).render()),
        ("console-people-found", people(Some(vec![found()])).render()),
        ("console-people-nobody", people(Some(vec![])).render()),
        ("console-person", person().render()),
        ("console-clients", ClientsPage { client: None, ..clients() }.render()),
        ("console-client", clients().render()),
        ("console-configuration", configuration(None).render()),
        ("console-configuration-wrong", configuration(Some(wrong())).render()),
        ("console-configuration-right", configuration(Some(right())).render()),
        ("console-question", question().render()),
    ]
}

pub(super) fn hostile() -> Vec<(&'static str, String)> {
    let person = PeoplePage {
        frame: foreign_frame("/admin/people"),
        asked: text(),
        found: Some(vec![FoundPerson {
            subject: text(),
            name: Some(long()),
            at: Some(NOW),
            link: SCRIPT_URL.to_owned(),
        }]),
        incomplete: true,
    };
    let question = ConfirmPage {
        frame: foreign_frame("/admin/people"),
        title: text(),
        consequence: text(),
        facts: vec![("Person", text())],
        yes: "Revoke",
        back: SCRIPT_URL.to_owned(),
    };
    let right = Judged::Right { changes: vec![foreign_change()], warnings: vec![text()] };
    let wrong = Judged::Wrong(vec![ConfigurationProblem { pointer: text(), problem: text(), fix: text() }]);
    vec![
        ("hostile-console-overview", foreign_overview().render()),
        ("hostile-console-servers", foreign_servers().render()),
        ("hostile-console-people", person.render()),
        ("hostile-console-person", foreign_person().render()),
        ("hostile-console-clients", foreign_clients().render()),
        ("hostile-console-right", foreign_configuration(right).render()),
        ("hostile-console-wrong", foreign_configuration(wrong).render()),
        ("hostile-console-question", question.render()),
    ]
}

pub(super) fn text() -> String {
    HOSTILE.to_owned()
}

fn long() -> String {
    format!("{HOSTILE}{}", "A".repeat(300))
}

pub(super) fn foreign_frame(path: &str) -> ConsoleFrame {
    ConsoleFrame { signed_in: long(), news: Some(text()), form: text(), request_id: text(), ..frame(path) }
}

fn foreign_overview() -> OverviewPage {
    let series = Series { name: long(), values: vec![u64::MAX, 0] };
    let chart = Chart {
        title: text(),
        summary: text(),
        steps: vec![text(), text()],
        series: vec![series.clone(), series],
        ..traffic()
    };
    let row = RankingRow { name: long(), requests: u64::MAX, failures: 0 };
    let tables = vec![RankingTable { rows: vec![row], ..reasons() }];
    let traffic = Traffic { charts: vec![chart], tables, ..what_goes_on() };
    OverviewPage { frame: foreign_frame("/admin"), public_origin: text(), traffic, ..overview() }
}

fn foreign_servers() -> ConsoleServersPage {
    let server = ConsoleServer {
        slug: text(),
        name: long(),
        url: SCRIPT_URL.to_owned(),
        upstream: text(),
        dead: vec![text(), long()],
        ..server(ServerStanding::Failing)
    };
    ConsoleServersPage { frame: foreign_frame("/admin/servers"), servers: vec![server] }
}

fn foreign_person() -> PersonPage {
    PersonPage {
        frame: foreign_frame("/admin/people"),
        subject: long(),
        facts: Some(PersonFacts { roles: vec![text(), long()], incomplete: true, at: NOW }),
        keys: vec![HeldKey { id: text(), name: long(), servers: vec![text()], scopes: vec![text()], ..held() }],
        agents: vec![agents::hostile_agent()],
        clients: vec![AllowedEntry {
            name: long(),
            client: text(),
            link: SCRIPT_URL.to_owned(),
            server: text(),
            account: Some(text()),
            scopes: vec![text()],
            ..allowed("x", "y")
        }],
        accounts: vec![ConnectedEntry {
            slug: text(),
            server: text(),
            account: text(),
            title: long(),
            scopes: vec![text()],
            ..connected(AccountStanding::ServerGone)
        }],
        known: true,
    }
}

fn foreign_clients() -> ClientsPage {
    let client = ClientFacts {
        name: long(),
        id: text(),
        source: text(),
        redirect_uris: vec![SCRIPT_URL.to_owned(), text()],
        scope: Some(text()),
        stays: Some(text()),
        ..client()
    };
    ClientsPage {
        frame: foreign_frame("/admin/clients"),
        asked: text(),
        client: Some(client),
        trouble: Some(text()),
        set_up: vec![SetUpClient { name: long(), id: text() }],
    }
}

fn foreign_change() -> Change {
    Change { pointer: text(), before: Some(text()), after: Some(long()) }
}

fn foreign_configuration(judged: Judged) -> ConfigurationPage {
    ConfigurationPage {
        frame: foreign_frame("/admin/config"),
        version: Some((2, NOW)),
        text: format!("</textarea>{HOSTILE}"),
        judged: Some(judged),
        previous: Some(PreviousConfiguration {
            version: 1,
            at: NOW,
            changes: vec![foreign_change()],
            action: "/admin/config/rollback\"><script>".to_owned(),
        }),
    }
}

pub(super) fn frame(path: &str) -> ConsoleFrame {
    ConsoleFrame {
        signed_in: "Alice Example".to_owned(),
        sign_out: "/logout".to_owned(),
        tabs: TABS.map(|(label, tab)| ConsoleTab { label, path: tab, current: tab == path }).into(),
        news: None,
        form: "c2VhbGVk".to_owned(),
        action: path.to_owned(),
        request_id: "8f14e45fceea167a".to_owned(),
    }
}

fn overview() -> OverviewPage {
    let check = |name: &str| Finding { name: name.to_owned(), ok: true, reason: None, problem: None, fix: None };
    OverviewPage {
        frame: frame("/admin"),
        version: "0.1.0",
        configuration: Some(7),
        public_origin: "https://mcp.example.com".to_owned(),
        traffic: what_goes_on(),
        checks: ["storage", "keys", "configuration", "login"].map(check).into(),
        warnings: vec![],
    }
}

fn server(standing: ServerStanding) -> ConsoleServer {
    let failing = standing == ServerStanding::Failing;
    ConsoleServer {
        slug: "linear".to_owned(),
        name: "Linear".to_owned(),
        url: "https://mcp.example.com/v1/mcp/linear".to_owned(),
        upstream: "https://mcp.linear.app/mcp".to_owned(),
        authentication: "each person connects an account",
        standing,
        reason: failing.then_some("upstream_timeout"),
        used: Some(NOW),
        succeeded: Some(Timestamp(NOW.0 - 4_000)),
        refreshes: failing.then_some((3, Timestamp(NOW.0 - 900), "upstream_refresh_failing")),
        checked: failing.then_some((NOW, 2)),
        catalogue: None,
        own_catalogues: true,
        dead: if failing { vec!["tool: get_isue".to_owned(), "resource: linear://*".to_owned()] } else { vec![] },
        shared: None,
    }
}

fn servers() -> ConsoleServersPage {
    let shared = |connected| ConsoleServer {
        slug: "crm".to_owned(),
        name: "Customer records".to_owned(),
        shared: Some(connected),
        own_catalogues: false,
        catalogue: connected.then_some(NOW),
        authentication: "one account for everybody",
        ..server(if connected { ServerStanding::Answering } else { ServerStanding::NotConnected })
    };
    let unused =
        ConsoleServer { slug: "docs".to_owned(), used: None, succeeded: None, ..server(ServerStanding::NotUsed) };
    let mail = ConsoleServer { slug: "mail".to_owned(), name: "Mail".to_owned(), ..shared(false) };
    let servers = vec![server(ServerStanding::Failing), shared(true), mail, unused];
    ConsoleServersPage { frame: frame("/admin/servers"), servers }
}

fn found() -> FoundPerson {
    FoundPerson {
        subject: "id.example.com|00u1a2b3".to_owned(),
        name: Some("Bob Example".to_owned()),
        at: Some(NOW),
        link: "/admin/people?subject=id.example.com%7C00u1a2b3".to_owned(),
    }
}

fn people(found: Option<Vec<FoundPerson>>) -> PeoplePage {
    let asked = if found.is_some() { "bob@example.com" } else { "" };
    PeoplePage { frame: frame("/admin/people"), asked: asked.to_owned(), found, incomplete: false }
}

fn allowed(name: &str, server: &str) -> AllowedEntry {
    let client = "mcpg_client_IXryP0JsFAemlhyKchnSXlRuflk_sa3U5zR0R3Bq2MI";
    AllowedEntry {
        name: name.to_owned(),
        client: client.to_owned(),
        link: format!("/admin/clients?id={client}"),
        server: server.to_owned(),
        account: None,
        scopes: vec!["mcp:tools".to_owned(), "offline_access".to_owned()],
        since: NOW,
        until: Timestamp(NOW.0 + 2_592_000),
    }
}

fn connected(standing: AccountStanding) -> ConnectedEntry {
    ConnectedEntry {
        slug: "linear".to_owned(),
        server: "Linear".to_owned(),
        account: "1".to_owned(),
        title: "bob@work.example".to_owned(),
        standing,
        scopes: vec!["read".to_owned(), "issues:create".to_owned()],
        since: NOW,
    }
}

fn person() -> PersonPage {
    PersonPage {
        frame: ConsoleFrame {
            news: Some("The account is disconnected. Clients lose it within about a minute.".to_owned()),
            ..frame("/admin/people")
        },
        subject: "id.example.com|00u1a2b3".to_owned(),
        known: true,
        facts: Some(PersonFacts { roles: vec!["support".to_owned()], incomplete: false, at: NOW }),
        clients: vec![allowed("Claude Code", "Linear"), allowed("Cursor", "Customer records")],
        accounts: vec![connected(AccountStanding::Connected), connected(AccountStanding::MustBeRenewed)],
        keys: vec![held(), HeldKey { name: "Old laptop".to_owned(), is_expired: true, used: None, ..held() }],
        agents: vec![agents::agent("Nightly triage")],
    }
}

fn held() -> HeldKey {
    HeldKey {
        id: "AQEBAQEBAQEBAQEBAQEBAQ".to_owned(),
        name: "Nightly report".to_owned(),
        servers: vec![],
        scopes: vec!["mcp.invoke".to_owned()],
        since: NOW,
        until: NOW,
        used: Some(NOW),
        is_expired: false,
    }
}

fn client() -> ClientFacts {
    ClientFacts {
        name: "Claude Code".to_owned(),
        id: "mcpg_client_IXryP0JsFAemlhyKchnSXlRuflk_sa3U5zR0R3Bq2MI".to_owned(),
        source: "its own registration: nobody vouches for it".to_owned(),
        authentication: "none",
        redirect_uris: vec!["http://localhost:51234/callback".to_owned(), "https://claude.ai/cb".to_owned()],
        grant_types: vec!["authorization_code", "refresh_token"],
        scope: Some("mcp:tools".to_owned()),
        registered: Some(NOW),
        forgotten: Some(Timestamp(NOW.0 + 34_560_000)),
        removable: true,
        stays: None,
    }
}

fn clients() -> ClientsPage {
    ClientsPage {
        frame: frame("/admin/clients"),
        asked: client().id,
        client: Some(client()),
        trouble: None,
        set_up: vec![SetUpClient { name: "Glean".to_owned(), id: "glean".to_owned() }],
    }
}

fn wrong() -> Judged {
    let problem = |pointer: &str| ConfigurationProblem {
        pointer: pointer.to_owned(),
        problem: "is \"sometimes\", which is none of the policy names".to_owned(),
        fix: "write always, once or never".to_owned(),
    };
    Judged::Wrong(vec![problem("/consent"), problem("")])
}

fn changes() -> Vec<Change> {
    let change = |pointer: &str, before: Option<&str>, after: Option<&str>| Change {
        pointer: pointer.to_owned(),
        before: before.map(ToOwned::to_owned),
        after: after.map(ToOwned::to_owned),
    };
    vec![
        change("/consent", Some("\"once\""), Some("\"always\"")),
        change("/servers/linear/timeout_seconds", None, Some("20")),
        change("/servers/mail/url", Some("\"https://mail.example.com/mcp?with=a+long+query&and=more\""), None),
    ]
}

fn right() -> Judged {
    let warning = "An entry of the policy of linear means nothing that it listed last: tool: get_isue.".to_owned();
    Judged::Right { changes: changes(), warnings: vec![warning] }
}

fn configuration(judged: Option<Judged>) -> ConfigurationPage {
    ConfigurationPage {
        frame: frame("/admin/config"),
        version: Some((7, NOW)),
        text: "{\n  \"login\": {\"kind\": \"dev\"},\n  \"servers\": {}\n}".to_owned(),
        judged,
        previous: Some(PreviousConfiguration {
            version: 6,
            at: Timestamp(NOW.0 - 86_400),
            changes: changes(),
            action: "/admin/config/rollback".to_owned(),
        }),
    }
}

fn question() -> ConfirmPage {
    ConfirmPage {
        frame: frame("/admin/people"),
        title: "Revoke Claude Code?".to_owned(),
        consequence: "It loses its access at every server. It may ask again, and the person is asked again.".to_owned(),
        facts: vec![("Person", "id.example.com|00u1a2b3".to_owned()), ("Servers", "Linear".to_owned())],
        yes: "Revoke",
        back: "/admin/people?subject=id.example.com%7C00u1a2b3".to_owned(),
    }
}
