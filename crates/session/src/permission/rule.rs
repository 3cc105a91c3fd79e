//! Rules over names.

use std::fmt;
use std::sync::Arc;

/// A rule over names, for example regular expressions. The default holds for none.
#[derive(Clone, Default)]
pub struct NameRule(Rule);

#[derive(Clone, Default)]
enum Rule {
    #[default]
    None,
    All,
    Some(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl NameRule {
    /// Holds for the names for which `rule` is true.
    pub fn new(rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::Some(Arc::new(rule)))
    }

    /// Holds for all names.
    #[must_use]
    pub fn all() -> Self {
        Self(Rule::All)
    }

    /// Whether it holds for a name.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        match &self.0 {
            Rule::None => false,
            Rule::All => true,
            Rule::Some(rule) => rule(name),
        }
    }

    /// Whether it holds for no name whatever.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.0, Rule::None)
    }
}

impl fmt::Debug for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Rule::None => "NameRule(none)",
            Rule::All => "NameRule(all)",
            Rule::Some(_) => "NameRule",
        })
    }
}
