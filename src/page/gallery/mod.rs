//! Every page with realistic and with hostile values: what holds for all of them is tested here once.
//!
//! To look at them: `cargo test --lib page::gallery -- --ignored` writes each to a file.
//!
//! Not here: what only one page or one value does.

use super::assets::{ADDING, GUARD, STYLE};
use super::security::csp;
use super::*;

mod agents;
mod charts;
mod checking;
mod connecting;
mod operating;
mod samples;

use samples::{consent, consent_of_document, hostile, notice, realistic, servers};

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
        let page = without_script(&page);
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
        let page = without_script(&page);
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
                "data:application/json;base64,",
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
fn the_policy_allows_exactly_the_scripts_that_are_sent() {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};
    let allowed = csp(&[]).split_once("script-src ").unwrap().1.split_once(';').unwrap().0.to_owned();
    assert_eq!(allowed.split(' ').count(), 2);
    let granting = [consent().render(), connecting::connect().render(), connecting::cancelled().render()];
    assert!(granting.iter().all(|page| page.contains(GUARD)));
    for page in granting.into_iter().chain([servers(samples::three_servers()).render(), samples::server().render()]) {
        let sent = page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let hash = Base64::encode_string(&Sha256::digest(sent.as_bytes()));
        assert!(allowed.contains(&format!("'sha256-{hash}'")));
    }
}

#[test]
fn going_on_names_client_server_and_redirect_host_and_lists_nothing_to_allow() {
    let page = Consent { brief: true, ..consent() }.render();
    for known in ["Continue to", "Claude Code", "Linear", "localhost", "not verified", "Continue only if", ">Cancel<"] {
        assert!(page.contains(known), "{known}");
    }
    assert!(page.contains(r#"name="decision" value="approve""#) && page.contains(r#"name="decision" value="deny""#));
    assert!(!page.contains("It will be able to"));
}

#[test]
fn what_needs_the_script_is_hidden_until_it_runs() {
    for page in [servers(samples::fifty_servers()).render(), samples::server().render()] {
        assert!(page.contains("Copy</button>"));
        for button in page.split("<button type=\"button\"").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            assert!(button.ends_with(" hidden"), "{button}");
        }
        assert!(!page.contains("<p class=\"filter\">") && !ADDING.contains("</"));
    }
}

#[test]
fn fifty_servers_are_a_line_each_and_a_few_are_all_shown() {
    let page = servers(samples::fifty_servers()).render();
    assert_eq!(page.matches("<details class=\"card server row\" id=\"server-").count(), 50);
    assert_eq!((page.matches("<article class=\"card server\"").count(), page.matches(" open>").count()), (0, 0));
    let few = servers(samples::three_servers()).render();
    assert!(few.contains(r#"<article class="card server" id="linear">"#) && !few.contains("class=\"filter\""));
}

#[test]
fn every_page_wears_its_operators_name_and_colour_and_its_policy_allows_that() {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};
    let brand = Brand { name: Some("Äcme <tools>"), accent: Some([0, 0xaa, 0x77]) };
    let policy = brand.allow_in(&csp(&["https://a.example/cb"]));
    assert_eq!(policy.matches(';').count(), csp(&[]).matches(';').count());
    for (name, page) in realistic().into_iter().chain(hostile()) {
        let worn = brand.put_on(&page);
        assert!(worn.contains(" · Äcme &#60;tools&#62;</title>"), "{name}");
        assert!(worn.contains("</svg>Äcme &#60;tools&#62;</span>") && worn.contains("fill='%2300aa77'"), "{name}");
        let styles: Vec<_> = worn.split("<style>").skip(1).map(|rest| rest.split("</style>").next().unwrap()).collect();
        assert_eq!(styles.len(), 2, "{name}");
        for style in styles {
            let hash = Base64::encode_string(&Sha256::digest(style.as_bytes()));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{name}");
        }
        let plain = Brand { name: None, accent: None };
        assert_eq!((plain.put_on(&page), plain.allow_in(&csp(&[]))), (page, csp(&[])), "{name}");
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
    assert!(page.contains(r#"<form class="consent" method="post" action="/oauth/consent">"#));
    assert!(page.contains(r#"name="ticket" value="AQAAAAFhYmM""#));
    assert!(page.contains(r#"name="decision" value="approve""#) && page.contains(r#"name="decision" value="deny""#));
    assert!(!consent_of_document().render().contains("app on this computer"), "a web client gets no warning");
    assert!(consent_of_document().render().contains("Published at <strong>claude.ai</strong>"));
}

#[test]
fn consent_has_a_choice_for_what_can_be_left_out_and_says_what_asks_for_it() {
    let page = samples::consent_to_tools().render();
    let choices: Vec<_> =
        page.split("<input type=\"checkbox\"").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
    let field = |scope: &str| format!(r#" name="scope:{scope}" value="on" checked autocomplete="off""#);
    let described = format!(r#"{} aria-describedby="uses-2""#, field("issues:write"));
    assert_eq!(choices, [described, field("offline_access")]);
    assert!(page.contains(r#"id="uses-2""#));
    assert!(page.contains("Tools: <code>create_*</code> <code>delete_issue</code>"));
    assert!(page.contains("Resources: <code>linear://issue/*</code>"));
    let form = page.split_once(r#"<form class="consent""#).unwrap().1.split_once("</form>").unwrap().0;
    assert!(
        form.split_once("<button").unwrap().1.starts_with(" hidden formmethod=\"dialog\">"),
        "Enter in a checkbox presses it"
    );
    let brief = Consent { brief: true, ..samples::consent_to_tools() }.render();
    assert!(!brief.contains("<input type=\"checkbox\""));
    let narrow = Consent { scopes: vec![], ..consent() }.render();
    assert!(!narrow.contains("Clear what"));
}

#[test]
fn connect_names_all_a_person_must_know_and_posts_one_decision() {
    let page = connecting::connect().render();
    for known in ["Connect Linear", "https://mcp.linear.app/mcp", "auth.linear.app", "Claude Code", "dev:alice"] {
        assert!(page.contains(known), "{known}");
    }
    assert!(page.contains("<code>read</code>") && page.contains("<code>issues:create</code>"));
    assert!(page.contains(r#"<form class="answer" method="post" action="/connect/linear">"#));
    assert!(page.contains(r#"name="ticket" value="AQAAAAFhYmM""#) && page.contains(r#"name="account" value="1""#));
    assert!(page.contains(r#"name="decision" value="connect""#) && page.contains(r#"name="decision" value="skip""#));
    assert!(!page.contains(r#"value="use""#) && !page.contains(r#"name="label""#));
    let alone = Connect { client_name: None, ..connecting::connect() }.render();
    assert!(!alone.contains(r#"value="skip""#), "only a client's authorization can go on without");
    let renewal = Connect { occasion: Occasion::Renewal, ..connecting::connect() }.render();
    assert!(renewal.contains("Linear authorization must be renewed."));
}

#[test]
fn a_value_to_enter_is_not_shown_and_not_kept_by_the_browser() {
    let page = connecting::connect_by_key().render();
    let input = page.split_once(r#"name="header:x-api-key""#).unwrap().1.split('>').next().unwrap();
    assert!(
        input.contains(r#"type="password""#) && input.contains(r#"autocomplete="off""#) && !input.contains("value")
    );
    assert!(page.contains("Your API key") && page.contains("<code>x-api-key</code>"));
}

#[test]
fn an_account_that_works_is_used_and_one_that_does_not_is_renewed() {
    let page = connecting::connect_or_choose().render();
    let choice = |account: &str| {
        let form = page.split_once(&format!(r#"name="account" value="{account}""#)).unwrap().1;
        form.split("</form>").next().unwrap().to_owned()
    };
    assert!(choice("1").contains(r#"value="use""#) && !choice("1").contains("must be renewed"));
    assert!(choice("2").contains(r#"value="connect""#) && choice("2").contains("must be renewed"));
    assert!(choice("3").contains(r#"name="label""#) && choice("3").contains("Connect another account"));
    assert!(
        page.contains("<h1>Which Linear account?</h1>") && page.contains("Claude Code will use the one you choose.")
    );
    assert!(choice("1").contains("<bdi>Work</bdi>") && choice("1").contains("<bdi>alice@work.example</bdi>"));
}

#[test]
fn who_cancelled_goes_on_without_by_one_button_and_again_by_another() {
    let page = connecting::cancelled().render();
    let form = page.split_once(r#"<form class="decision" method="post" action="/connect/linear">"#).unwrap().1;
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains(r#"value="connect">Connect again<"#) && form.contains(r#"value="skip">Go on without<"#));
    assert!(form.contains(r#"name="ticket" value="AQAAAAFhYmM""#) && form.contains(r#"name="account" value="1""#));
    assert!(
        !page.contains("sign error") && page.contains("upstream_access_denied") && page.contains("8f14e45fceea167a")
    );
    let alone = Cancelled { client_name: None, ..connecting::cancelled() }.render();
    assert!(!alone.contains(r#"value="skip""#) && alone.contains(r#"href="/connections""#));
}

#[test]
fn connections_can_each_be_ended_by_a_form_with_the_token() {
    let page = connecting::connections().render();
    let forms: Vec<_> = page.split("<form ").skip(2).map(|form| form.split("</form>").next().unwrap()).collect();
    assert_eq!(forms.len(), 11, "four accounts with a name and one without, two clients; the first form signs out");
    for form in &forms {
        assert!(
            form.contains(r#"action="/connections""#) && form.contains(r#"name="form" value="c2VhbGVk""#),
            "{form}"
        );
    }
    assert!(forms.first().unwrap().contains(r#"name="slug" value="linear""#));
    assert_eq!(page.matches(r#"value="disconnect""#).count(), 5);
    assert_eq!(page.matches(r#"value="rename""#).count(), 4);
    assert_eq!(page.matches(r#"value="revoke""#).count(), 2);
    for known in [
        "Linear authorization must be renewed.",
        "Since 3 November 2026",
        "<bdi>Account 3</bdi>",
        "Not connected",
        "Not checked",
        "Add another account",
        "<code>dev:alice</code>",
    ] {
        assert!(page.contains(known), "{known}");
    }
    assert!(page.contains(r#"href="/connect/linear?account=2""#));
    let empty = connecting::no_connections().render();
    assert!(
        empty.contains("No server here needs an account of yours.")
            && empty.contains("You have not allowed any client.")
    );
}

#[test]
fn the_invitation_shows_no_server() {
    let page = ServersPage { signed_in: None, servers: None, ..servers(vec![]) }.render();
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
    let brand = Brand { name: Some("Acme tools"), accent: Some([0, 0xaa, 0x77]) };
    for (name, page) in realistic().into_iter().chain(hostile()) {
        std::fs::write(folder.join(format!("{name}-branded.html")), brand.put_on(&page)).unwrap();
        std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
    }
    println!("{}", folder.display());
}

/// The tags with their attributes' names: text and quoted values may say anything.
fn tags(page: &str) -> String {
    let inside = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    inside.flat_map(|tag| ["<"].into_iter().chain(tag.split('"').step_by(2))).collect()
}

/// The page without the one script that it may have.
fn without_script(page: &str) -> String {
    [ADDING, GUARD].iter().fold(page.to_owned(), |page, script| page.replace(&format!("<script>{script}</script>"), ""))
}
