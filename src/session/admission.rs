//! Who may open a session: bounds of the hub and of one address. An address that is loopback's has
//! none (`faults.md` 6).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use crate::{buckets::Bucket, clock::Clock, config::sections::Limits};

/// Addresses that are remembered before those without sessions are forgotten.
const REMEMBERED: usize = 4096;

/// A bound that was reached; the label of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full(pub &'static str);

/// Counts sessions and their openings.
pub(super) struct Admission {
    clock: Clock,
    limits: Limits,
    open: AtomicUsize,
    all: Mutex<Bucket>,
    addresses: Mutex<HashMap<IpAddr, Address>>,
}

struct Address {
    sessions: usize,
    unjoined: usize,
    handshakes: Bucket,
    unknown: Bucket,
}

impl Admission {
    pub fn new(limits: Limits, clock: Clock) -> Arc<Self> {
        let all = Mutex::new(Bucket::full(&limits.handshakes, clock.monotonic()));
        Arc::new(Self { clock, limits, open: AtomicUsize::new(0), all, addresses: Mutex::default() })
    }

    /// Open sessions.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Lets one in; the guard counts it until it is dropped.
    ///
    /// # Errors
    /// The bound that is reached. Open sessions are not affected.
    pub fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<Admitted, Full> {
        let now = self.clock.monotonic();
        if self.open() >= self.limits.connections {
            return Err(Full("connections"));
        }
        let counted = !ip.to_canonical().is_loopback();
        if counted {
            self.with(ip, |address, limits| {
                if address.sessions >= limits.connections_per_ip {
                    return Err(Full("connections_per_ip"));
                }
                if address.unjoined >= limits.unjoined_per_ip {
                    return Err(Full("unjoined_per_ip"));
                }
                address
                    .handshakes
                    .take(&limits.handshakes_per_ip, 1, now)
                    .map_err(|_| Full("handshakes_per_ip"))
            })?;
            // loopback has no such bound either: a proxy's clients come with addresses of their own
            if self.all.lock().take(&self.limits.handshakes, 1, now).is_err() {
                return Err(Full("handshakes"));
            }
            self.with(ip, |address, _| {
                address.sessions += 1;
                address.unjoined += 1;
            });
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Admitted { admission: self.clone(), ip: counted.then_some(ip), unjoined: true })
    }

    /// A request with a sid that nobody has. How long to wait when there were too many.
    ///
    /// # Errors
    /// Too many of that address.
    pub fn unknown_sid(&self, ip: IpAddr) -> Result<(), Duration> {
        if ip.to_canonical().is_loopback() {
            return Ok(());
        }
        let now = self.clock.monotonic();
        self.with(ip, |address, limits| address.unknown.take(&limits.unknown_sids_per_ip, 1, now))
    }

    fn with<T>(&self, ip: IpAddr, act: impl FnOnce(&mut Address, &Limits) -> T) -> T {
        let now = self.clock.monotonic();
        let limits = &self.limits;
        let mut addresses = self.addresses.lock();
        if addresses.len() >= REMEMBERED && !addresses.contains_key(&ip) {
            addresses.retain(|_, address| {
                address.sessions > 0
                    || !address.handshakes.is_full(&limits.handshakes_per_ip, now)
                    || !address.unknown.is_full(&limits.unknown_sids_per_ip, now)
            });
        }
        let address = addresses.entry(ip.to_canonical()).or_insert_with(|| Address {
            sessions: 0,
            unjoined: 0,
            handshakes: Bucket::full(&limits.handshakes_per_ip, now),
            unknown: Bucket::full(&limits.unknown_sids_per_ip, now),
        });
        act(address, limits)
    }
}

/// A session that was let in.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    /// `None`: not counted by address.
    ip: Option<IpAddr>,
    unjoined: bool,
}

impl Admitted {
    /// It has joined a namespace.
    pub fn joined(&mut self) {
        if std::mem::take(&mut self.unjoined)
            && let Some(ip) = self.ip
        {
            self.admission.with(ip, |address, _| address.unjoined = address.unjoined.saturating_sub(1));
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.joined();
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(ip) = self.ip {
            self.admission.with(ip, |address, _| address.sessions = address.sessions.saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rate;

    fn limits() -> Limits {
        Limits {
            connections: 10,
            connections_per_ip: 4,
            unjoined_per_ip: 2,
            handshakes_per_ip: Rate::per_second(100, 100),
            ..Limits::default()
        }
    }

    #[test]
    fn an_address_has_bounds_and_gets_its_places_back() {
        let admission = Admission::new(limits(), Clock::real());
        let ip: IpAddr = "203.0.113.7".parse().unwrap();
        let mut guards: Vec<_> = (0..2).map(|_| admission.admit(ip).unwrap()).collect();
        assert_eq!(admission.admit(ip).err(), Some(Full("unjoined_per_ip")));
        guards.iter_mut().for_each(Admitted::joined);
        for _ in 0..2 {
            let mut guard = admission.admit(ip).unwrap();
            guard.joined();
            guards.push(guard);
        }
        assert_eq!(admission.admit(ip).err(), Some(Full("connections_per_ip")));
        assert!(admission.admit("203.0.113.8".parse().unwrap()).is_ok(), "another address");
        guards.clear();
        assert_eq!(admission.open(), 0);
        assert!(admission.admit(ip).is_ok());
    }

    #[test]
    fn loopback_has_only_the_bound_of_the_hub() {
        let admission = Admission::new(limits(), Clock::real());
        let ip: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
        let _guards: Vec<_> = (0..10).map(|_| admission.admit(ip).unwrap()).collect();
        assert_eq!(admission.admit(ip).err(), Some(Full("connections")));
        assert!((0..100).all(|_| admission.unknown_sid(ip).is_ok()));
    }

    #[test]
    fn guesses_of_sids_are_counted() {
        let admission = Admission::new(limits(), Clock::real());
        let ip: IpAddr = "203.0.113.7".parse().unwrap();
        assert_eq!((0..100).filter(|_| admission.unknown_sid(ip).is_ok()).count(), 20);
    }
}
