//! Which hosts the gateway may fetch when somebody else chose the URL: public ones (CIMD §8.6, RFC 6890).
//!
//! Names are judged as names. What a name resolves to is the runtime's to judge: the Worker runs with
//! `global_fetch_strictly_public`, and a Worker cannot resolve and pin an address itself. Not here: URLs that the
//! operator configured, which may be private.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

/// Names that lead to this machine, this network or nowhere: the special-use names of RFC 6761 and its registry, and
/// those that private networks use (RFC 6762 appendix G, ICANN's name collision list).
const NOT_PUBLIC: &[&str] = &[
    "alt",
    "arpa",
    "cluster",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "svc",
    "test",
];

/// IANA's special-purpose IPv4 registry, with multicast and the reserved class.
const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The special-purpose parts of IPv6's global unicast space. All outside `2000::/3` is special already: loopback,
/// IPv4-mapped, NAT64, unique local, link-local, multicast.
const SPECIAL_V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),
    ([0x2001, 0x0db8, 0], 32),
    ([0x2002, 0, 0], 16),
    ([0x2620, 0x004f, 0x8000], 48),
    ([0x3fff, 0, 0], 20),
];

/// Why a host may not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPublic {
    /// An address of a special-purpose range (RFC 6890).
    Address,
    /// A special-use name, or one without a dot.
    Name,
}

/// Whether a host is on the public internet as far as it can be told without asking the DNS. The host is as the URL
/// parser read it, so octal, hexadecimal and shortened IPv4 addresses have become addresses.
pub fn check(host: &Host<&str>) -> Result<(), NotPublic> {
    match host {
        Host::Ipv4(address) if is_special_v4(*address) => Err(NotPublic::Address),
        Host::Ipv6(address) if is_special_v6(*address) => Err(NotPublic::Address),
        Host::Domain(name) if !is_public_name(name) => Err(NotPublic::Name),
        _ => Ok(()),
    }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(rest, top)| {
        !rest.is_empty() && !NOT_PUBLIC.contains(&top) && name.split('.').all(|label| !label.is_empty())
    })
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    SPECIAL_V4.iter().any(|(range, bits)| (u32::from(address) ^ u32::from_be_bytes(*range)) >> (32 - bits) == 0)
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    let within = |[a, b, c]: [u16; 3], bits: u32| {
        let range = u128::from(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
        (u128::from(address) ^ range) >> (128 - bits) == 0
    };
    !within([0x2000, 0, 0], 3) || SPECIAL_V6.iter().any(|(range, bits)| within(*range, *bits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn judge(host: &str) -> Result<(), NotPublic> {
        check(&Url::parse(&format!("https://{host}/c.json")).unwrap().host().unwrap())
    }

    #[test]
    fn public_hosts_pass() {
        for host in [
            "claude.ai",
            "client.example",
            "vscode.dev",
            "localhost.example.com",
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "[2606:4700::1111]",
            "[2001:200::1]",
            "example.com.",
        ] {
            assert_eq!(judge(host), Ok(()), "{host}");
        }
    }

    #[test]
    fn special_addresses_are_refused_in_every_spelling() {
        for host in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0177.0.0.1",
            "2130706433",
            "0",
            "169.254.169.254",
            "0xa9.0xfe.0xa9.0xfe",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.88.99.1",
            "１２７.0.0.1",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2620:4f:8000::1]",
        ] {
            assert_eq!(judge(host), Err(NotPublic::Address), "{host}");
        }
    }

    #[test]
    fn names_of_this_machine_and_this_network_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
            "metadata.google.internal",
            "internal",
            "intranet",
            "router.lan",
            "nas.home.arpa",
            "x.onion",
            "x.test",
            "x.invalid",
            "kubernetes.default.svc",
            "db.corp",
            "a..local",
            "local.",
            "x.LOCAL.",
        ] {
            assert_eq!(judge(host), Err(NotPublic::Name), "{host}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn agrees_with_the_standard_library_on_private_addresses(v4 in any::<u32>(), v6 in any::<u128>()) {
            let v4 = Ipv4Addr::from(v4);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_documentation() {
                prop_assert!(is_special_v4(v4));
            }
            let v6 = Ipv6Addr::from(v6);
            if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() {
                prop_assert!(is_special_v6(v6));
            }
            prop_assert!(is_special_v6(v4.to_ipv6_mapped()) && is_special_v6(v4.to_ipv6_compatible()));
        }
    }
}
