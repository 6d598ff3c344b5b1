//! Which addresses of databases may be called. Names are resolved here, once, and the address that
//! was checked is the one that is connected to (`faults.md` A48, A49).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;

use super::{Error, Reason};
use crate::{
    config::sections as config,
    outbound::{Lookup, is_here},
};

/// The rules.
pub(super) struct Hosts {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    loopback: bool,
    own: Vec<Own>,
    lookup: Arc<dyn Lookup>,
}

/// A line of `datasource.allow` or `.deny`.
enum Rule {
    Name(String),
    /// `*.example.com`: any name below.
    Below(String),
    Net(IpNet),
}

/// The hub's own database: a socket or a host of this machine, or another host.
struct Own {
    host: Option<String>,
    port: u16,
    database: String,
}

impl Rule {
    fn parse(text: &str) -> Self {
        let text = text.trim().trim_matches(['[', ']']).to_ascii_lowercase();
        if let Ok(net) = text.parse::<IpNet>() {
            return Self::Net(net);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::Net(address.into());
        }
        match text.strip_prefix("*.") {
            Some(domain) => Self::Below(format!(".{domain}")),
            None => Self::Name(text.trim_end_matches('.').to_owned()),
        }
    }

    fn has(&self, name: &str, address: IpAddr) -> bool {
        match self {
            Self::Name(known) => known == name,
            Self::Below(domain) => name.ends_with(domain.as_str()),
            Self::Net(net) => net.contains(&address),
        }
    }

    /// Whether the rule says that this very address may be called, whatever it is called.
    fn names_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Net(net) if net.contains(&address))
            || matches!(self, Self::Name(name) if name == "localhost" && address.is_loopback())
    }
}

impl Hosts {
    pub fn new(settings: &config::DataSource, own: &config::Database, lookup: Arc<dyn Lookup>) -> Self {
        let rules = |list: &[String]| list.iter().map(|text| Rule::parse(text)).collect();
        let url = own.url.as_ref().map(|url| url.expose().to_owned()).unwrap_or_default();
        Self {
            allow: rules(&settings.allow),
            deny: rules(&settings.deny),
            loopback: settings.allow_loopback,
            own: own_databases(&url),
            lookup,
        }
    }

    /// The addresses of a host that may be called, in the order of the resolver.
    pub async fn resolve(&self, host: &str, port: u16, database: &str) -> Result<Vec<SocketAddr>, Error> {
        let name = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let found = match name.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.lookup.lookup(name.clone()).await.unwrap_or_default(),
        };
        if found.is_empty() {
            return Err(Error::failed(Reason::Unreachable, "the host of the data source has no address"));
        }
        let mut refused = None;
        let mut out = Vec::new();
        for address in found.into_iter().map(plain) {
            match self.check(&name, address, port, database).await {
                Ok(()) => out.push(SocketAddr::new(address, port)),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if out.is_empty() => Err(error),
            _ => Ok(out),
        }
    }

    async fn check(&self, name: &str, address: IpAddr, port: u16, database: &str) -> Result<(), Error> {
        let refuse = |message: &str| Err(Error::failed(Reason::BlockedAddress, message));
        if self.is_own(address, port, database).await {
            return refuse("the data source is the hub's own database; no setting permits it");
        }
        if self.deny.iter().any(|rule| rule.has(name, address)) {
            return refuse(
                "the host of the data source may not be called; operators: datasource.deny lists it",
            );
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|rule| rule.has(name, address)) {
            return refuse(
                "the host of the data source may not be called; operators: datasource.allow does not list it",
            );
        }
        let named = self.allow.iter().any(|rule| rule.names_address(address));
        if is_here(address) && !self.loopback && !named {
            return refuse(
                "the host of the data source is the hub's machine; operators: datasource.allow_loopback permits it",
            );
        }
        if is_special(address) && !named {
            return refuse(
                "the host of the data source has an address that is nobody's; operators: datasource.allow permits it",
            );
        }
        Ok(())
    }

    async fn is_own(&self, address: IpAddr, port: u16, database: &str) -> bool {
        for own in self.own.iter().filter(|own| own.port == port && own.database == database) {
            let here = is_here(address);
            let same = match &own.host {
                None => here,
                Some(host) => match host.parse::<IpAddr>() {
                    Ok(known) => same_place(known, address, here),
                    Err(_) => {
                        let known = self.lookup.lookup(host.clone()).await.unwrap_or_default();
                        known.into_iter().any(|known| same_place(known, address, here))
                    }
                },
            };
            if same {
                return true;
            }
        }
        false
    }
}

fn same_place(known: IpAddr, address: IpAddr, here: bool) -> bool {
    let known = plain(known);
    known == address || (here && is_here(known))
}

/// The hosts, ports and database of the hub's URL, which may name several.
fn own_databases(url: &str) -> Vec<Own> {
    use tokio_postgres::config::Host;
    let Ok(parsed) = url.parse::<tokio_postgres::Config>() else { return Vec::new() };
    if !url.starts_with("postgres") {
        return Vec::new();
    }
    let user = parsed.get_user().unwrap_or("root").to_owned();
    let database = parsed.get_dbname().map_or(user, str::to_owned);
    let ports = parsed.get_ports();
    let port_of = |index: usize| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(5432);
    let mut out: Vec<Own> = Vec::new();
    for (index, host) in parsed.get_hosts().iter().enumerate() {
        let host = match host {
            Host::Tcp(name) => Some(name.clone()),
            Host::Unix(_) => None,
        };
        out.push(Own { host, port: port_of(index), database: database.clone() });
    }
    for (index, address) in parsed.get_hostaddrs().iter().enumerate() {
        out.push(Own { host: Some(address.to_string()), port: port_of(index), database: database.clone() });
    }
    if out.is_empty() {
        out.push(Own { host: None, port: port_of(0), database });
    }
    out
}

/// An IPv6 address that stands for an IPv4 one is that one.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            if segments.starts_with(&[0x64, 0xFF9B, 0, 0, 0, 0]) {
                let [.., high, low] = segments;
                return IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
            }
            v6.to_ipv4_mapped().map_or(address, IpAddr::V4)
        }
        IpAddr::V4(_) => address,
    }
}

/// Neither a host's nor a network's: unspecified (this machine), link-local (also the metadata
/// service of clouds), multicast, broadcast.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => {
            v6 == Ipv6Addr::UNSPECIFIED
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6 == Ipv6Addr::new(0xFD00, 0xEC2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}
