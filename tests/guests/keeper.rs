//! Does with keys and values, and with configuration, what a client tells it, and says what came of it.

use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue::atomics::{self, Cas, CasError};
use bindings::wasi::keyvalue::batch;
use bindings::wasi::keyvalue::store::{self, Bucket};
use holdline_guest::{Handler, Message, Request, Result};
use serde::Deserialize;
use serde_json::{Value, json};

#[allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "the generator writes this code")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/capabilities", generate_all });
}

struct Keeper;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Command {
    Set {
        key: String,
        value: String,
    },
    Get {
        key: String,
    },
    Delete {
        key: String,
    },
    Exists {
        key: String,
    },
    Keys {
        cursor: Option<String>,
    },
    Increment {
        key: String,
        delta: i64,
    },
    /// Looks, lets the same key be changed if it is told to, and swaps until it succeeds: how often that took.
    Swap {
        key: String,
        value: String,
        meanwhile: Option<String>,
    },
    GetMany {
        keys: Vec<String>,
    },
    SetMany {
        entries: Vec<(String, String)>,
    },
    DeleteMany {
        keys: Vec<String>,
    },
    Config {
        key: String,
    },
    AllConfig,
}

impl Handler for Keeper {
    fn message(request: &Request, message: Message) -> Result<()> {
        let command: (String, Command) = message.json()?;
        let outcome = match store::open(&command.0).and_then(|bucket| obey(&bucket, command.1)) {
            Ok(value) => json!({ "ok": value }),
            Err(store::Error::Other(why)) => json!({ "error": why }),
            Err(error) => json!({ "error": format!("{error:?}") }),
        };
        Ok(request.send_json(&outcome)?)
    }
}

fn obey(bucket: &Bucket, command: Command) -> Result<Value, store::Error> {
    Ok(match command {
        Command::Set { key, value } => json!(bucket.set(&key, value.as_bytes())?),
        Command::Get { key } => json!(bucket.get(&key)?.map(text)),
        Command::Delete { key } => json!(bucket.delete(&key)?),
        Command::Exists { key } => json!(bucket.exists(&key)?),
        Command::Keys { cursor } => {
            let page = bucket.list_keys(cursor.as_deref())?;
            json!({ "keys": page.keys, "cursor": page.cursor })
        }
        Command::Increment { key, delta } => json!(atomics::increment(bucket, &key, delta)?),
        Command::Swap { key, value, meanwhile } => {
            let mut seen = Cas::new(bucket, &key)?;
            if let Some(meanwhile) = meanwhile {
                bucket.set(&key, meanwhile.as_bytes())?;
            }
            let mut attempts = 1;
            loop {
                let before = seen.current()?.map(text);
                match atomics::swap(seen, value.as_bytes()) {
                    Ok(()) => return Ok(json!({ "attempts": attempts, "before": before })),
                    Err(CasError::CasFailed(anew)) => seen = anew,
                    Err(CasError::StoreError(error)) => return Err(error),
                }
                attempts += 1;
            }
        }
        Command::GetMany { keys } => {
            let found = batch::get_many(bucket, &keys)?;
            json!(found.into_iter().map(|(key, value)| (key, value.map(text))).collect::<Vec<_>>())
        }
        Command::SetMany { entries } => {
            let entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, value.into_bytes())).collect();
            json!(batch::set_many(bucket, &entries)?)
        }
        Command::DeleteMany { keys } => json!(batch::delete_many(bucket, &keys)?),
        Command::Config { key } => json!(config::get(&key).map_err(configuration)?),
        Command::AllConfig => json!(config::get_all().map_err(configuration)?),
    })
}

fn text(value: Vec<u8>) -> String {
    String::from_utf8_lossy(&value).into_owned()
}

fn configuration(error: config::Error) -> store::Error {
    store::Error::Other(format!("{error:?}"))
}

holdline_guest::export!(Keeper: Handler);
