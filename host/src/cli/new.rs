//! `holdline new`: a folder with a plugin in it that builds and runs as it is.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use dialoguer::{Input, Select};

use super::source::Advice;
use super::terminal;
use crate::toolchain::{Language, Sdk};

/// Makes a folder with a plugin that builds and runs as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    holdline new hello --lang python\n  \
    holdline new later --lang rust --template worker\n  \
    holdline new                                     asks, in a terminal, for what was not given")]
pub(super) struct New {
    /// The folder, which must not be there yet. Its last part is the plugin's name: letters, digits, `-` and `_`.
    name: Option<PathBuf>,
    /// The language.
    #[arg(long, value_name = "LANG")]
    lang: Option<Language>,
    /// What it does to begin with; without it and outside of a terminal, `echo`.
    #[arg(long)]
    template: Option<Template>,
}

/// What a new plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// Sends each message back.
    Echo,
    /// Holds the connection and lets a worker answer.
    Worker,
    /// Is called every second by a timer.
    Timer,
    /// Tells everybody in a room what somebody said.
    Chat,
}

impl Template {
    fn id(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Worker => "worker",
            Self::Timer => "timer",
            Self::Chat => "chat",
        }
    }

    fn does(self) -> &'static str {
        match self {
            Self::Echo => "It sends each message back as it came.",
            Self::Worker => "It holds the connection, and a worker answers a second later.",
            Self::Timer => "Every connection gets a tick each second.",
            Self::Chat => "What somebody says is told to everybody on the same path.",
        }
    }
}

pub(super) fn run(args: New) -> anyhow::Result<()> {
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let folder = match args.name {
        Some(folder) => folder,
        None if asks => PathBuf::from(Input::<String>::new().with_prompt("name").interact_text()?),
        None => bail!(missing("a name", "holdline new NAME --lang LANG")),
    };
    let name = name(&folder)?;
    if folder.exists() {
        bail!(Advice {
            message: format!("{} is there already", folder.display()),
            hint: "take another name; nothing is ever overwritten".to_owned(),
        });
    }
    let language = match args.lang {
        Some(language) => language,
        None if asks => {
            let names = Language::ALL.map(Language::name);
            let chosen = Select::new().with_prompt("language").items(names).default(0).interact()?;
            Language::ALL.into_iter().nth(chosen).context("one of the languages")?
        }
        None => {
            let ids = Language::ALL.map(Language::id).join(", ");
            bail!(missing("a language", &format!("add --lang with one of {ids}")))
        }
    };
    let template = match args.template {
        Some(template) => template,
        None if asks => {
            let all = Template::value_variants();
            let chosen =
                Select::new().with_prompt("template").items(all.iter().map(|it| it.id())).default(0).interact()?;
            *all.get(chosen).context("one of the templates")?
        }
        None => Template::Echo,
    };
    write(&folder, &name, language, template)?;
    let shown = folder.display();
    terminal::line(format!("{shown} is a {} plugin. {}", language.name(), template.does()));
    terminal::line(format!(
        "holdline run {shown}    serves it; `holdline dev {shown}` also builds it anew when you change it"
    ));
    Ok(())
}

fn missing(what: &str, hint: &str) -> Advice {
    Advice { message: format!("a new plugin needs {what}"), hint: hint.to_owned() }
}

/// The plugin's name, which is also a package's and a file's in every language.
fn name(folder: &Path) -> anyhow::Result<String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if begins && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')) {
        return Ok(name);
    }
    bail!(Advice {
        message: format!("`{name}` cannot be the name of a plugin"),
        hint: "begin with a letter, and go on with letters, digits, `-` and `_`".to_owned(),
    })
}

/// Writes what all templates of the language have, and what this one has. A file that ends in `.in` loses that: it would mean something to
/// tools where it lies as a template.
fn write(folder: &Path, name: &str, language: Language, template: Template) -> anyhow::Result<()> {
    let sdk = Sdk::unpack()?;
    let place = sdk.of(language).display().to_string();
    let fill =
        |text: String| text.replace("{{name}}", name).replace("{{sdk}}", &place).replace("{{does}}", template.does());
    for part in ["shared", template.id()] {
        let templates = sdk.of(language).join("templates").join(part);
        for entry in fs::read_dir(&templates).with_context(|| format!("{} cannot be read", templates.display()))? {
            let file = entry?.path();
            let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            let as_is = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let target = match as_is.strip_suffix(".in") {
                _ if as_is == "gitignore" => ".gitignore",
                Some(without) => without,
                None => &as_is,
            };
            let target = folder.join(target);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&target, fill(text)))
                .with_context(|| format!("{} cannot be written", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_in_every_language() {
        for good in ["hello", "there/hello-2", "h_i"] {
            assert!(name(Path::new(good)).is_ok(), "{good}");
        }
        for bad in ["", "..", "2nd", "grüße", "a b", "-x"] {
            assert!(name(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_language_has_every_template() {
        let folder = tempfile::tempdir().expect("a folder");
        for language in Language::ALL {
            for template in Template::value_variants() {
                let plugin = folder.path().join(format!("{}-{}", language.id(), template.id()));
                write(&plugin, "hello", language, *template).expect("a plugin");
                let manifest = fs::read_to_string(plugin.join("plugin.toml")).expect("a manifest");
                assert!(manifest.contains("name = \"hello\""), "{manifest}");
                assert!(plugin.join("README.md").exists() && plugin.join(".gitignore").exists(), "{plugin:?}");
            }
        }
    }
}
