//! What an isolate knows to be wrong, as states: each begins, is told of while it lasts, and ends.
//!
//! Not here: what is said of one and what to do about it (`flow::admin::alarms`).

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::time::{Lifetime, Timestamp};

/// States at most. What they are about is configured, sealed with a number, or one of two: there are never so many.
const CAPACITY: usize = 256;

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmKind {
    /// The identity provider, by its issuer, could not be used.
    IdentityProvider,
    /// Something stored was sealed with a key, by its number, that the ring does not have.
    KeyRing,
    /// Clients that nobody vouches for came faster than they are taken: from one address, or from everybody.
    Registrations,
    /// Connections of a server, by its slug, could not be refreshed.
    Refreshes,
    /// The gateway trapped in this isolate and was started anew.
    Isolate,
}

/// A state that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// When it was first met.
    pub since: Timestamp,
    /// When it was last met.
    pub last: Timestamp,
    /// How often.
    pub times: u32,
    /// The reason code of why it was met last.
    pub reason: &'static str,
}

/// That a state began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// What it is of.
    pub kind: AlarmKind,
    /// What it is about.
    pub about: String,
    /// Why, where it began.
    pub raised: Option<&'static str>,
}

/// The states of one isolate.
#[derive(Default)]
pub struct Alarms {
    standing: RefCell<BTreeMap<(AlarmKind, String), Alarm>>,
    changes: RefCell<Vec<AlarmChange>>,
}

impl AlarmKind {
    /// As it stands in `/status` and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentityProvider => "identity_provider",
            Self::KeyRing => "key_ring",
            Self::Registrations => "registrations",
            Self::Refreshes => "refreshes",
            Self::Isolate => "isolate",
        }
    }

    /// How long it is told of after it was last met, unless it ends before.
    const fn lasts(self) -> Lifetime {
        match self {
            Self::IdentityProvider | Self::Refreshes | Self::Isolate => Lifetime::days(1),
            Self::Registrations => Lifetime::minutes(10),
            // Another ring is another deployment, whose isolates begin anew.
            Self::KeyRing => Lifetime::days(365),
        }
    }

    /// Whether another configuration may be what ends it.
    const fn is_of_configuration(self) -> bool {
        matches!(self, Self::IdentityProvider | Self::Refreshes)
    }
}

impl Alarms {
    /// It was met.
    pub fn raise(&self, kind: AlarmKind, reason: &'static str, about: &str, now: Timestamp) {
        let mut standing = self.standing.borrow_mut();
        standing.retain(|(kind, _), alarm| alarm.lasts(*kind, now));
        let key = (kind, about.to_owned());
        if let Some(alarm) = standing.get_mut(&key) {
            *alarm = Alarm { last: now, times: alarm.times.saturating_add(1), reason, ..*alarm };
        } else if standing.len() < CAPACITY {
            standing.insert(key, Alarm { since: now, last: now, times: 1, reason });
            self.changed(kind, about, Some(reason));
        }
    }

    /// It was seen to be in order.
    pub fn clear(&self, kind: AlarmKind, about: &str) {
        let mut standing = self.standing.borrow_mut();
        if !standing.is_empty() && standing.remove(&(kind, about.to_owned())).is_some() {
            self.changed(kind, about, None);
        }
    }

    /// Another configuration is in effect.
    pub fn reconfigured(&self) {
        self.standing.borrow_mut().retain(|(kind, _), _| !kind.is_of_configuration());
    }

    /// One of them, if it lasts.
    pub fn of(&self, kind: AlarmKind, about: &str, now: Timestamp) -> Option<Alarm> {
        let standing = self.standing.borrow();
        standing.get(&(kind, about.to_owned())).copied().filter(|alarm| alarm.lasts(kind, now))
    }

    /// All that last, and what each is about.
    pub fn standing(&self, now: Timestamp) -> Vec<(AlarmKind, String, Alarm)> {
        let standing = self.standing.borrow();
        let lasting = standing.iter().filter(|((kind, _), alarm)| alarm.lasts(*kind, now));
        lasting.map(|((kind, about), alarm)| (*kind, about.clone(), *alarm)).collect()
    }

    /// What changed since this was last asked.
    pub fn take_changes(&self) -> Vec<AlarmChange> {
        self.changes.take()
    }

    fn changed(&self, kind: AlarmKind, about: &str, raised: Option<&'static str>) {
        self.changes.borrow_mut().push(AlarmChange { kind, about: about.to_owned(), raised });
    }
}

impl Alarm {
    fn lasts(&self, kind: AlarmKind, now: Timestamp) -> bool {
        !(self.last + kind.lasts()).reached(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example";

    #[test]
    fn a_state_is_news_when_it_begins_and_when_it_ends() {
        let alarms = Alarms::default();
        alarms.clear(AlarmKind::IdentityProvider, ISSUER);
        for now in [10, 20] {
            alarms.raise(AlarmKind::IdentityProvider, "login_unavailable", ISSUER, Timestamp(now));
        }
        let alarm = alarms.of(AlarmKind::IdentityProvider, ISSUER, Timestamp(21)).unwrap();
        assert_eq!((alarm.since, alarm.last, alarm.times), (Timestamp(10), Timestamp(20), 2));
        alarms.clear(AlarmKind::IdentityProvider, ISSUER);
        assert!(alarms.standing(Timestamp(21)).is_empty());
        let raised: Vec<_> = alarms.take_changes().iter().map(|change| change.raised).collect();
        assert_eq!(raised, [Some("login_unavailable"), None]);
        assert!(alarms.take_changes().is_empty());
    }

    #[test]
    fn what_is_not_met_again_ends_by_itself_and_begins_anew() {
        let alarms = Alarms::default();
        let raise = |now| alarms.raise(AlarmKind::Registrations, "registration_rate_limited", "everybody", now);
        raise(Timestamp(0));
        assert_eq!(alarms.standing(Timestamp(599)).len(), 1);
        assert_eq!(alarms.standing(Timestamp(600)).len(), 0);
        raise(Timestamp(600));
        assert_eq!(alarms.standing(Timestamp(601)).first().map(|(.., alarm)| alarm.since), Some(Timestamp(600)));
        assert_eq!(alarms.take_changes().len(), 2);
    }

    #[test]
    fn another_configuration_ends_what_it_may_have_mended() {
        let alarms = Alarms::default();
        alarms.raise(AlarmKind::Refreshes, "upstream_refresh_failing", "notes", Timestamp(0));
        alarms.raise(AlarmKind::KeyRing, "ring_key_missing", "1", Timestamp(0));
        alarms.reconfigured();
        let left: Vec<_> = alarms.standing(Timestamp(1)).into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(left, [AlarmKind::KeyRing]);
    }

    #[test]
    fn states_are_bounded() {
        let alarms = Alarms::default();
        for number in 0..1_000 {
            alarms.raise(AlarmKind::KeyRing, "ring_key_missing", &number.to_string(), Timestamp(0));
        }
        assert_eq!((alarms.standing(Timestamp(1)).len(), alarms.take_changes().len()), (CAPACITY, CAPACITY));
    }
}
