//! Settings of an engine, and whose pages may use it.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::transport::Rules;
use crate::{
    config::{Config, sections},
    delivery,
    protocol::{engineio::Terms, socketio},
};

/// Settings of an engine at one path.
#[derive(Clone, Debug)]
pub struct Settings {
    /// With slashes on both sides.
    pub path: String,
    /// `[session]`.
    pub session: sections::Session,
    /// `[limits]`.
    pub limits: sections::Limits,
    /// `[delivery]`.
    pub delivery: sections::Delivery,
    /// `server.body_timeout`.
    pub body_timeout: Duration,
    /// `server.max_bodies_in_flight`.
    pub max_bodies: usize,
    /// `server.allowed_origins`.
    pub origins: Origins,
    /// `server.trusted_proxies`.
    pub proxies: Vec<IpNet>,
}

impl Settings {
    /// Out of the hub's settings, at `/socket.io/`.
    pub fn new(config: &Config) -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            session: config.session.clone(),
            limits: config.limits.clone(),
            delivery: config.delivery.clone(),
            body_timeout: config.server.body_timeout.get(),
            max_bodies: config.server.max_bodies_in_flight.get(),
            origins: Origins::new(&config.server.allowed_origins),
            proxies: config.server.trusted_proxies.iter().filter_map(|text| network(text)).collect(),
        }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            ping_interval: self.session.ping_interval.get(),
            ping_timeout: self.session.ping_timeout.get(),
            max_payload: self.session.max_payload.get() as u64,
        }
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            max_payload: self.session.max_payload.get() as u64,
            max_fragments: self.session.max_fragments,
        }
    }

    pub(super) fn packets(&self) -> socketio::Limits {
        socketio::Limits::new(
            self.limits.json_depth,
            self.limits.json_keys,
            self.session.max_attachments,
            self.session.max_attachment_bytes.get(),
        )
    }

    pub(super) fn delivery(&self) -> delivery::Settings {
        delivery::Settings::new(&self.delivery, &self.session)
    }

    /// The client's address: the connection's, or what trusted proxies say, read from right to left as
    /// long as the hop is trusted.
    pub(super) fn client_ip<'a>(
        &self,
        connection: IpAddr,
        forwarded: impl Iterator<Item = &'a str>,
    ) -> IpAddr {
        let trusted = |ip: IpAddr| self.proxies.iter().any(|network| network.contains(&ip.to_canonical()));
        let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut ip = connection.to_canonical();
        for hop in hops.into_iter().rev() {
            if !trusted(ip) {
                break;
            }
            let Ok(next) = hop.trim_matches(['[', ']']).parse::<IpAddr>() else { break };
            ip = next.to_canonical();
        }
        ip
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whose pages may open sessions (`faults.md` A22 to A24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Everybody's.
    Any,
    /// Those of these origins, compared byte by byte.
    Listed(Vec<String>),
}

impl Origins {
    /// `server.allowed_origins`; `*` admits all.
    pub fn new(allowed: &[String]) -> Self {
        if allowed.iter().any(|origin| origin == "*") { Self::Any } else { Self::Listed(allowed.to_vec()) }
    }

    /// Whether a page of that origin may. A request without an origin comes from no page.
    pub fn allow(&self, origin: Option<&str>) -> bool {
        match (self, origin) {
            (Self::Any, _) | (_, None) => true,
            (Self::Listed(listed), Some(origin)) => listed.iter().any(|allowed| allowed == origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_exactly() {
        let origins = Origins::new(&["https://good.example".to_owned()]);
        assert!(origins.allow(None) && origins.allow(Some("https://good.example")));
        for origin in [
            "null",
            "https://good.example.evil.com",
            "https://good.example:443",
            "http://good.example",
            "https://GOOD.example",
            "https://u@good.example",
            "https://good.example/",
            "",
        ] {
            assert!(!origins.allow(Some(origin)), "{origin}");
        }
        assert!(Origins::new(&["*".to_owned()]).allow(Some("null")));
    }

    #[test]
    fn forwarded_addresses_are_believed_from_right_to_left() {
        let mut settings = Settings::new(&Config::default());
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let seen = |settings: &Settings, from, value: &'static str| {
            settings.client_ip(ip(from), [value].into_iter())
        };
        assert_eq!(seen(&settings, "127.0.0.1", "6.6.6.6, 203.0.113.7"), ip("203.0.113.7"));
        assert_eq!(seen(&settings, "203.0.113.9", "203.0.113.7"), ip("203.0.113.9"), "no proxy of ours");
        assert_eq!(seen(&settings, "127.0.0.1", "nonsense"), ip("127.0.0.1"));
        settings.proxies.push("203.0.113.0/24".parse().unwrap());
        assert_eq!(seen(&settings, "::ffff:127.0.0.1", "6.6.6.6, 203.0.113.7"), ip("6.6.6.6"));
    }
}
