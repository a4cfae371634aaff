//! JSON pointers (RFC 6901) into the arguments of a call.
//!
//! Not here: what is found there (`arguments`).

use std::fmt;

const LONGEST: usize = 256;
const DEEPEST: usize = 8;

/// A pointer to a member of the arguments, such as `/team` or `/filter/0/owner`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArgumentPointer {
    text: String,
    steps: Vec<String>,
}

/// Why a text is no pointer to an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerError {
    /// It does not begin with `/`: it points to all arguments, or nowhere.
    Relative,
    /// A `~` that is neither `~0` nor `~1`.
    Escape,
    /// More than 256 bytes, or 8 steps.
    TooLong,
}

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relative => "does not begin with /",
            Self::Escape => "has a ~ that is neither ~0 nor ~1",
            Self::TooLong => "is longer than 256 bytes, or than 8 steps",
        })
    }
}

impl std::error::Error for PointerError {}

impl ArgumentPointer {
    /// Reads a pointer.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let rest = text.strip_prefix('/').ok_or(PointerError::Relative)?;
        let steps: Vec<_> = rest.split('/').map(unescaped).collect::<Option<_>>().ok_or(PointerError::Escape)?;
        if text.len() > LONGEST || steps.len() > DEEPEST {
            return Err(PointerError::TooLong);
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn steps(&self) -> &[String] {
        &self.steps
    }
}

/// RFC 6901 §4: `~1` first, or `~01` would become `/`.
fn unescaped(step: &str) -> Option<String> {
    let legal = step.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    legal.then(|| step.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_unescaped() {
        let steps = |text: &str| ArgumentPointer::parse(text).map(|pointer| pointer.steps);
        assert_eq!(steps("/team").unwrap(), ["team"]);
        assert_eq!(steps("/a~1b/~01/").unwrap(), ["a/b", "~1", ""]);
        assert_eq!(steps(""), Err(PointerError::Relative));
        assert_eq!(steps("team"), Err(PointerError::Relative));
        assert_eq!(steps("/a~2"), Err(PointerError::Escape));
        assert_eq!(steps("/a~"), Err(PointerError::Escape));
        assert_eq!(steps(&"/a".repeat(9)), Err(PointerError::TooLong));
        assert_eq!(steps(&format!("/{}", "a".repeat(256))), Err(PointerError::TooLong));
    }
}
