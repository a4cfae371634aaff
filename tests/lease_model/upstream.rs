//! Refresh tokens as upstreams handle them, in every way there is.
//!
//! Not here: the gateway.

/// What an upstream does with refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It never replaces them.
    Keeps,
    /// It replaces them, and one that was replaced is refused.
    Rotates,
    /// It replaces them, and one that was replaced ends the grant (OAuth 2.1 §4.3.1).
    Strict,
    /// It replaces them, and gives the same successor again to who comes with the one before.
    Grace,
}

/// A refresh token: of which grant, and the how-manieth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    pub grant: u8,
    pub number: u8,
}

impl Token {
    pub fn sealed(self) -> String {
        format!("{}:{}", self.grant, self.number)
    }

    pub fn open(sealed: &str) -> Self {
        let (grant, number) = sealed.split_once(':').unwrap();
        Self { grant: grant.parse().unwrap(), number: number.parse().unwrap() }
    }
}

/// The grants at the upstream: which token is good, and whether the grant is dead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upstream {
    pub kind: Kind,
    pub grants: Vec<(u8, bool)>,
}

impl Upstream {
    pub fn refresh(&mut self, token: Token) -> Option<Token> {
        let (current, killed) = &mut self.grants[usize::from(token.grant)];
        if *killed {
            return None;
        }
        match (self.kind, *current == token.number) {
            (Kind::Keeps, _) => return Some(token),
            (_, true) => *current += 1,
            (Kind::Grace, false) if token.number + 1 == *current => {}
            (Kind::Strict | Kind::Grace, false) => {
                *killed = true;
                return None;
            }
            (Kind::Rotates, false) => return None,
        }
        Some(Token { number: *current, ..token })
    }

    pub fn is_killed(&self, grant: u8) -> bool {
        self.grants[usize::from(grant)].1
    }

    /// Whether a refresh with this token would work.
    pub fn takes(&self, token: Token) -> bool {
        self.clone().refresh(token).is_some()
    }
}
