//! The puppet in each language, built as anybody's plugin is.

use std::path::Path;

use anyhow::Context;
use holdline::toolchain::{self, Language, News};

use crate::harness::{GATE, PUPPET};

/// The puppet, and the gate, written in one language.
pub(crate) struct Puppet {
    pub(crate) language: Language,
    pub(crate) component: Vec<u8>,
    pub(crate) gate: Vec<u8>,
}

/// All of them. A language whose toolchain is not here is an error, and not passed over.
pub(crate) fn puppets() -> anyhow::Result<Vec<Puppet>> {
    Language::ALL
        .into_iter()
        .map(|language| {
            let (component, gate) = match language {
                Language::Rust => (PUPPET.component()?, GATE.component()?),
                _ => (build("puppets", language)?, build("gates", language)?),
            };
            Ok(Puppet { language, component, gate })
        })
        .collect()
}

fn build(what: &str, language: Language) -> anyhow::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(what).join(language.id());
    let tell = |news: News<'_>| match news {
        News::Step(text) | News::Line(text) => println!("{text}"),
    };
    let built = toolchain::build(&folder, language, &tell);
    let hint = |error: toolchain::Error| match error.hint() {
        Some(hint) => anyhow::Error::new(error).context(format!("hint: {hint}")),
        None => error.into(),
    };
    let component = built.map_err(hint).with_context(|| format!("{what} in {} were not built", language.name()))?;
    Ok(std::fs::read(component)?)
}
