//! The guests are the examples beside this file.
