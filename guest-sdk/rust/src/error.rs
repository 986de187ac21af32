//! The error that handlers return, and the shape that the typed errors have in common.
//!
//! Every typed error turns into [`Error`], so that `?` works in a handler whatever it calls.

use std::fmt;

/// What the functions of a plugin return.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why an event, a worker or a timer failed: a text for whoever reads the plugin's log. No client ever gets it.
///
/// It is made from every error of this crate, from `serde_json::Error`, and from texts; from anything else that can be
/// shown with [`Error::new`], as in `.map_err(Error::new)?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    text: String,
}

impl Error {
    /// Makes an error that reads as its cause does.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self { text: cause.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self { text }
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format_args!("invalid JSON: {error}"))
    }
}

/// Declares a typed error with the cases of its generated twin, a text for each, and the ways in and out. With `+ Json`
/// it has one case more, for the calls that carry JSON.
///
/// The generated enum is not shown itself because it prints the bare name of its case.
macro_rules! typed_error {
    (
        $(#[$doc:meta])*
        $name:ident from $wire:ident::$wire_name:ident {
            $( $(#[$case_doc:meta])* $case:ident: $text:literal, )+
        } $(+ $json:ident)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$case_doc])* $case, )+
            $(
                /// The value could not be written as JSON, or what came is not the JSON that was asked for; the text
                /// says where. Only the calls with `json` in their name have this case.
                $json(String),
            )?
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $( Self::$case => f.write_str($text), )+
                    $( Self::$json(text) => write!(f, "invalid JSON: {text}"), )?
                }
            }
        }

        impl std::error::Error for $name {}

        impl From<$wire::$wire_name> for $name {
            fn from(error: $wire::$wire_name) -> Self {
                match error {
                    $( $wire::$wire_name::$case => Self::$case, )+
                }
            }
        }

        impl From<$name> for $crate::Error {
            fn from(error: $name) -> Self {
                Self::new(error)
            }
        }

        $(
            impl From<serde_json::Error> for $name {
                fn from(error: serde_json::Error) -> Self {
                    Self::$json(error.to_string())
                }
            }
        )?
    };
}

pub(crate) use typed_error;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelError, ReplyError};

    #[test]
    fn a_question_mark_turns_everything_into_the_handlers_error() {
        fn of_type() -> Result<()> {
            Err(ReplyError::Retained)?
        }
        fn of_text() -> Result<()> {
            Err("no such room")?
        }
        fn of_anything() -> Result<i32> {
            "x".parse().map_err(Error::new)
        }

        assert_eq!(of_type(), Err(Error::new(ReplyError::Retained)));
        assert_eq!(of_text(), Err(Error::from("no such room".to_owned())));
        assert_eq!(of_anything(), Err(Error::from("invalid digit found in string")));
    }

    #[test]
    fn a_json_error_says_where() {
        let Err(error) = serde_json::from_str::<u8>("x") else { unreachable!("x is not a number") };

        assert_eq!(ChannelError::from(error).to_string(), "invalid JSON: expected value at line 1 column 1");
    }
}
