//! What `holdline run` and `holdline dev`, which have no configuration file, grant the plugin that they serve.

use crate::config::Config;
use crate::outgoing::HostPattern;
use crate::store::StorePlace;

/// Grants on the command line.
#[derive(Debug, clap::Args)]
pub(super) struct Granting {
    /// Let it keep keys and values, in memory.
    #[arg(long)]
    keyvalue: bool,
    /// Let it send HTTP requests to this host; may be given more than once.
    #[arg(long, value_name = "HOST")]
    http: Vec<HostPattern>,
    /// Let it read this value as configuration; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = value)]
    set: Vec<(String, String)>,
}

impl Granting {
    /// Puts the grants into a configuration whose store is in memory.
    pub(super) fn into(self, config: &mut Config) {
        config.store.folder = StorePlace::Memory;
        config.grants.keyvalue = self.keyvalue;
        config.grants.http = self.http;
        config.grants.config = !self.set.is_empty();
        config.config = self.set.into_iter().collect();
    }
}

fn value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has no `=`")?;
    Ok((key.to_owned(), value.to_owned()))
}
