//! A component that exports nothing that the host calls.
