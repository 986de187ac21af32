//! The token of the first start: without it nobody could make another one. It is for whoever owns the store's folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::AdminError;
use super::ledger::{Entry, Ledger};
use crate::token::{Record, Role, Scope, Token};

/// The file's name in the store's folder.
const FILE: &str = "admin-token";

/// Who the first token is.
const NAME: &str = "admin";

/// Makes an owner of the whole host, if there is no token at all.
pub(super) async fn write(ledger: &Ledger) -> Result<(), AdminError> {
    if !ledger.tokens().is_empty() {
        return Ok(());
    }
    let folder = ledger.store().folder().ok_or(AdminError::NoFolder)?.to_owned();
    let token = Token::generate().map_err(AdminError::Random)?;
    let text = token.reveal().to_owned();
    let path = folder.join(FILE);
    // The file first: a token that is good and that nobody has would keep everybody out.
    let written = tokio::task::spawn_blocking(move || put(&folder, &text)).await;
    let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
    written.map_err(|source| AdminError::Token { path: path.clone(), source })?;
    let record = Record::new(&token, NAME.to_owned(), Role::Owner, Scope::Host, None);
    let entry = Entry::of_the_host("token.created").subject(record.id.to_string()).detail("name", NAME);
    ledger.put_token(record, &entry).await?;
    tracing::info!(path = %path.display(), "the first token of the admin API was written");
    Ok(())
}

fn put(folder: &Path, text: &str) -> io::Result<()> {
    let (unfinished, path) = (folder.join("admin-token.unfinished"), folder.join(FILE));
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    File::open(folder)?.sync_all()
}
