//! What `holdline doctor` shows of one tool.

/// One line of `holdline doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked for.
    pub tool: &'static str,
    /// Whether it is there.
    pub state: State,
    /// How to get it.
    pub remedy: String,
}

/// Whether a tool is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there: its version, or its place.
    Found(String),
    /// It is not there, and something else does its work.
    Spare,
    /// It is not there, and guests cannot be built.
    Missing,
}
