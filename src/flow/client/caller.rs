//! Where a request comes from, as what anybody may do only so often is counted.
//!
//! Not here: the counting (`ports::Limiter`), and who calls (`flow::call::bearer`).

use std::net::Ipv6Addr;

use crate::flow::Head;

/// An IPv4 address, or the /64 that one IPv6 customer has to itself, with more addresses than could be counted. `None`
/// where the platform does not tell.
pub fn address(head: &Head) -> Option<String> {
    head.header("cf-connecting-ip").map(network)
}

fn network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_caller() {
        assert_eq!(network("2001:db8:1:2:aaaa::1"), network("2001:0DB8:1:2:ffff:1:2:3"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        for itself in ["192.0.2.1", "unknown", "::ffff:192.0.2.1"] {
            assert_eq!(network(itself), itself);
        }
    }
}
