//! The scopes that an operator defines, and which of them stand for others.
//!
//! Not here: the text of a `scope` parameter, and the gateway's own scopes (`oauth::scope`).

use std::collections::BTreeMap;
use std::fmt;

use crate::oauth::scope::ScopeSet;

/// What a scope is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What it allows, as people read it when they consent.
    pub title: String,
    /// Every scope that it stands for as well, by however many steps; never itself.
    pub implies: ScopeSet,
}

/// The scopes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeMap<String, Scope>);

/// Two scopes that stand for each other, or one for itself: then one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeCycle {
    /// One of them.
    pub scope: String,
}

impl fmt::Display for ScopeCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the scope {} implies itself", self.scope)
    }
}

impl std::error::Error for ScopeCycle {}

impl Scopes {
    /// Closes what each scope implies over what that implies.
    pub fn new(scopes: &BTreeMap<String, Scope>) -> Result<Self, ScopeCycle> {
        let mut closed = BTreeMap::new();
        for (name, scope) in scopes {
            let mut all = ScopeSet::default();
            let mut open: Vec<&str> = scope.implies.iter().collect();
            while let Some(implied) = open.pop() {
                if implied == name {
                    return Err(ScopeCycle { scope: name.clone() });
                }
                if !all.contains(implied) {
                    all = all.union(&ScopeSet::of(&[implied]));
                    open.extend(scopes.get(implied).into_iter().flat_map(|scope| scope.implies.iter()));
                }
            }
            closed.insert(name.clone(), Scope { title: scope.title.clone(), implies: all });
        }
        Ok(Self(closed))
    }

    /// Whether granted scopes have one, be it by implication.
    pub fn hold(&self, granted: &ScopeSet, needed: &str) -> bool {
        granted.contains(needed) || granted.iter().any(|scope| self.implies(scope, needed))
    }

    /// Granted scopes with everything that they imply.
    #[must_use]
    pub fn closure(&self, granted: &ScopeSet) -> ScopeSet {
        let implied = granted.iter().filter_map(|scope| self.0.get(scope));
        implied.fold(granted.clone(), |all, scope| all.union(&scope.implies))
    }

    /// What of the scopes that are asked for can be left out while one is needed: that one stays, or else whatever
    /// implies it. Scopes that do not have it are good for nothing yet, so all of them stay.
    #[must_use]
    pub fn optional(&self, asked: &ScopeSet, needed: &str) -> ScopeSet {
        if asked.contains(needed) {
            return asked.without(needed);
        }
        let implying = asked.filter(|scope| self.implies(scope, needed));
        if implying.is_empty() { implying } else { asked.filter(|scope| !implying.contains(scope)) }
    }

    /// What a scope allows, in the operator's words.
    pub fn title(&self, scope: &str) -> Option<&str> {
        self.0.get(scope).map(|scope| scope.title.as_str())
    }

    /// Whether the operator defined it.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains_key(scope)
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn implying(&self, needed: &str) -> Vec<String> {
        self.0.iter().filter(|(_, scope)| scope.implies.contains(needed)).map(|(name, _)| name.clone()).collect()
    }

    fn implies(&self, scope: &str, needed: &str) -> bool {
        self.0.get(scope).is_some_and(|scope| scope.implies.contains(needed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(implied: &[(&str, &[&str])]) -> Result<Scopes, ScopeCycle> {
        let scope = |implies: &[&str]| Scope { title: "Do it".to_owned(), implies: ScopeSet::of(implies) };
        Scopes::new(&implied.iter().map(|(name, implies)| ((*name).to_owned(), scope(implies))).collect())
    }

    #[test]
    fn a_scope_stands_for_what_it_implies_by_any_number_of_steps() {
        let scopes = scopes(&[("admin", &["write"]), ("write", &["read", "mcp:tools"]), ("read", &[])]).unwrap();
        let admin = ScopeSet::of(&["admin"]);
        assert_eq!(scopes.closure(&admin), ScopeSet::of(&["admin", "mcp:tools", "read", "write"]));
        assert!(scopes.hold(&admin, "read") && scopes.hold(&admin, "mcp:tools"));
        assert!(!scopes.hold(&ScopeSet::of(&["read"]), "write") && !scopes.hold(&admin, "Read"));
        assert_eq!(scopes.implying("read"), ["admin", "write"]);
        assert_eq!(scopes.title("read"), Some("Do it"));
    }

    #[test]
    fn what_is_needed_is_never_optional() {
        let scopes = scopes(&[("admin", &["write"]), ("write", &["mcp:tools"]), ("read", &[])]).unwrap();
        for (asked, optional) in [
            ("mcp:tools offline_access read write", "offline_access read write"),
            ("mcp:tools", ""),
            ("admin read write offline_access", "read offline_access"),
            ("read offline_access", ""),
            ("", ""),
        ] {
            let [asked, optional] = [asked, optional].map(|text| ScopeSet::parse(text).unwrap());
            assert_eq!(scopes.optional(&asked, "mcp:tools"), optional, "{asked}");
        }
    }

    #[test]
    fn a_circle_is_refused() {
        for circle in [
            &[("a", &["a"] as &[&str])] as &[(&str, &[&str])],
            &[("a", &["b"]), ("b", &["a"])],
            &[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])],
        ] {
            assert!(scopes(circle).is_err(), "{circle:?}");
        }
        assert!(
            scopes(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])]).is_ok(),
            "two ways are no circle"
        );
    }

    proptest! {
        /// A scope that implies only later ones makes no circle, and the closure is what single steps reach.
        #[test]
        fn the_closure_is_what_steps_reach(steps in prop::collection::btree_set((0..6_u8, 0..6_u8), 0..12)) {
            let name = |n: u8| format!("s{n}");
            let mut all: BTreeMap<String, Scope> = (0..6)
                .map(|n| (name(n), Scope { title: String::new(), implies: ScopeSet::default() }))
                .collect();
            let steps: Vec<_> = steps.into_iter().filter(|(from, to)| from < to).collect();
            for (from, to) in &steps {
                let scope = all.get_mut(&name(*from)).unwrap();
                scope.implies = scope.implies.union(&ScopeSet::of(&[&name(*to)]));
            }
            let scopes = Scopes::new(&all).unwrap();
            let mut reached = [[false; 6]; 6];
            for middle in std::iter::once(None).chain((0..6).map(Some)) {
                for from in 0..6_u8 {
                    for to in 0..6_u8 {
                        let [f, t] = [usize::from(from), usize::from(to)];
                        reached[f][t] |= match middle {
                            None => steps.contains(&(from, to)),
                            Some(m) => reached[f][m] && reached[m][t],
                        };
                    }
                }
            }
            for from in 0..6_u8 {
                for to in (0..6_u8).filter(|to| *to != from) {
                    let held = scopes.hold(&ScopeSet::of(&[&name(from)]), &name(to));
                    prop_assert_eq!(held, reached[usize::from(from)][usize::from(to)], "{} {}", from, to);
                }
            }
        }
    }
}
