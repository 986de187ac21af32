//! The guests of the suite are the examples of this package; there is nothing that they share.
