//! What `OpenID` providers do otherwise than they say, or leave unsaid, as data: a row for each.
//!
//! Whoever is not listed does what the specifications say. Not here: how the differences are dealt with (`oidc`,
//! `discovery`, `id_token`), and what an operator has to set (`docs/identity-providers.md`).

/// A provider, and what is known of it.
#[derive(Debug)]
struct Provider {
    /// Hosts of its issuers.
    hosts: &'static [&'static str],
    /// The values of `prompt` that it takes, where its metadata does not say.
    prompts: Option<&'static [&'static str]>,
    /// The parameter that it gives a refresh token for, where it does not know `offline_access`.
    offline: Option<(&'static str, &'static str)>,
    /// How it writes the issuer of tenants of everybody's, where there is such a thing.
    tenants: Option<Tenants>,
}

/// An issuer that stands for many.
#[derive(Debug)]
struct Tenants {
    /// Where a tenant's id is otherwise, in the path.
    everybody: &'static [&'static str],
    /// What its metadata writes there.
    placeholder: &'static str,
    /// The claim of an ID token with the tenant's id.
    claim: &'static str,
}

const PROVIDERS: [Provider; 2] = [
    // Refuses `prompt=login`, and has no `prompt_values_supported`.
    Provider {
        hosts: &["accounts.google.com"],
        prompts: Some(&["none", "consent", "select_account"]),
        offline: Some(("access_type", "offline")),
        tenants: None,
    },
    // Lets people choose an account without saying that it does; its shared issuers are templates.
    Provider {
        hosts: &["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"],
        prompts: Some(&["login", "none", "consent", "select_account"]),
        offline: None,
        tenants: Some(Tenants {
            everybody: &["common", "organizations", "consumers"],
            placeholder: "{tenantid}",
            claim: "tid",
        }),
    },
];

/// The values of `prompt` that an issuer is known to take, where its metadata says nothing.
pub(super) fn prompts(issuer: &str) -> Option<&'static [&'static str]> {
    of(issuer)?.prompts
}

/// What an issuer has to be asked to give a refresh token, beside the protocol.
pub(super) fn offline_parameter(issuer: &str) -> Option<(&'static str, &'static str)> {
    of(issuer)?.offline
}

/// The claim with the tenant's id, at an issuer that stands for tenants of everybody.
pub fn tenant_claim(issuer: &str) -> Option<&'static str> {
    everybodys(issuer).map(|tenants| tenants.claim)
}

/// The issuer that a provider's metadata may name instead of the configured one: where that stands for tenants of
/// everybody, the same with a placeholder for the tenant.
pub(super) fn template(issuer: &str) -> Option<String> {
    let tenants = everybodys(issuer)?;
    let everybody = tenants.everybody.iter().find(|everybody| path(issuer).starts_with(**everybody))?;
    Some(issuer.replacen(everybody, tenants.placeholder, 1))
}

/// The issuer of an ID token, by what the metadata names and the tenant that the token claims to be of.
pub(super) fn tenants_issuer(template: &str, tenant: Option<&str>) -> Option<String> {
    let Some(tenants) = of(template).and_then(|provider| provider.tenants.as_ref()) else {
        return Some(template.to_owned());
    };
    if !template.contains(tenants.placeholder) {
        return Some(template.to_owned());
    }
    let is_id = |id: &&str| id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    tenant.filter(is_id).map(|tenant| template.replacen(tenants.placeholder, tenant, 1))
}

fn everybodys(issuer: &str) -> Option<&'static Tenants> {
    let tenants = of(issuer)?.tenants.as_ref()?;
    let first = path(issuer).split('/').next().unwrap_or_default();
    tenants.everybody.contains(&first).then_some(tenants)
}

fn of(issuer: &str) -> Option<&'static Provider> {
    let host = issuer.strip_prefix("https://")?.split('/').next()?;
    PROVIDERS.iter().find(|provider| provider.hosts.contains(&host))
}

fn path(issuer: &str) -> &str {
    issuer.strip_prefix("https://").and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = "https://login.microsoftonline.com/common/v2.0";
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    const TENANT: &str = "9122040d-6c67-4c5b-b112-36a304b66dad";

    #[test]
    fn an_issuer_of_everybodys_tenants_is_a_template() {
        assert_eq!(template(COMMON).as_deref(), Some(TEMPLATE));
        assert_eq!(tenant_claim(COMMON), Some("tid"));
        let own = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        for issuer in [
            own.as_str(),
            "https://id.example.com/common/v2.0",
            "https://login.microsoftonline.com.evil.test/common/v2.0",
        ] {
            assert_eq!((template(issuer), tenant_claim(issuer)), (None, None), "{issuer}");
        }
        assert_eq!(tenants_issuer(TEMPLATE, Some(TENANT)), Some(own));
        for tenant in [None, Some(""), Some("common"), Some("9122040d-6c67-4c5b-b112-36a304b66da/"), Some("{tenantid}")]
        {
            assert_eq!(tenants_issuer(TEMPLATE, tenant), None, "{tenant:?}");
        }
        let plain = "https://id.example.com/{tenantid}";
        assert_eq!(tenants_issuer(plain, Some(TENANT)).as_deref(), Some(plain), "a template is Entra's alone");
    }

    #[test]
    fn prompts_are_known_of_who_does_not_tell() {
        assert!(!prompts("https://accounts.google.com").unwrap().contains(&"login"));
        assert!(prompts(COMMON).unwrap().contains(&"select_account"));
        assert_eq!(prompts("https://id.example.com"), None);
        assert_eq!(offline_parameter("https://accounts.google.com"), Some(("access_type", "offline")));
        assert_eq!((offline_parameter(COMMON), offline_parameter("https://id.example.com")), (None, None));
    }
}
