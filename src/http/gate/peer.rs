//! Where a request really comes from: forwarded addresses are believed only from configured
//! proxies, read from right to left as long as the hop is trusted (`faults.md` A28).

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// `server.trusted_proxies`.
pub(super) struct Proxies {
    ranges: Vec<IpNet>,
}

impl Proxies {
    /// From checked settings; what is no address or range trusts nobody.
    pub fn new(settings: &[String]) -> Self {
        let range =
            |text: &String| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        Self { ranges: settings.iter().filter_map(range).collect() }
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(&ip))
    }

    /// The client's address; none on a socket that has no peer.
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?.ip().to_canonical();
        let lists: Vec<&str> =
            headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
        for hop in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(ip) => client = ip.to_canonical(),
                Err(_) => break,
            }
        }
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    #[test]
    fn only_a_trusted_hop_may_name_the_one_before() {
        let local = Proxies::new(&["127.0.0.0/8".into(), "::1/128".into(), "10.0.0.1".into()]);
        let nobody = Proxies::new(&[]);
        for (proxies, peer, forwarded, expected) in [
            (&local, "127.0.0.1:1", &[][..], "127.0.0.1"),
            (&local, "127.0.0.1:1", &["192.0.2.7"], "192.0.2.7"),
            (&local, "127.0.0.1:1", &["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
            (&local, "127.0.0.1:1", &["192.0.2.7, 10.0.0.1"], "192.0.2.7"),
            (&local, "127.0.0.1:1", &["192.0.2.7", "10.0.0.1"], "192.0.2.7"),
            (&local, "127.0.0.1:1", &["nonsense"], "127.0.0.1"),
            (&local, "[::ffff:127.0.0.1]:1", &["192.0.2.7"], "192.0.2.7"),
            (&local, "192.0.2.1:1", &["127.0.0.1"], "192.0.2.1"),
            (&nobody, "127.0.0.1:1", &["192.0.2.7"], "127.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                let name = HeaderName::from_static("x-forwarded-for");
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let found = proxies.client(peer.parse().ok(), &headers);
            assert_eq!(found, expected.parse().ok(), "{peer} {forwarded:?}");
        }
    }
}
