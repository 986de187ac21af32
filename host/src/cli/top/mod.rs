//! `holdline top`: what a host does at this moment, in a terminal that it fills, or once for a file.

mod look;
mod screen;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use serde_json::json;

use self::look::{Look, Sort, Watch};
use super::access::Access;
use super::api::Api;
use super::{table, terminal};

/// How soon a key is answered while nothing comes from the host.
const BLINK: Duration = Duration::from_millis(100);

/// What takes less says nothing about rates.
const SHORTEST: Duration = Duration::from_millis(100);

/// Beyond this nobody waits.
const LONGEST: Duration = Duration::from_secs(3600);

/// Shows live what a host does, for each tenant and plugin.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Keys: up and down choose the tenant whose plugins are shown, s sorts by the next column, r turns the order \
    round, q ends.\n\nExamples:\n  \
    holdline top\n  \
    holdline top --tenant shop --sort failures --interval 5s\n  \
    holdline top --json        two looks, and one document; so does a pipe, with a table"
)]
pub(super) struct Top {
    /// How far two looks are apart.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Which column it is sorted by.
    #[arg(long, value_name = "COLUMN", default_value = "messages")]
    sort: Sort,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(args: Top) -> anyhow::Result<()> {
    let first = Look::take(&Api::new(&args.access)?, args.access.named_tenant())?;
    let watch = Watch::new(first, args.sort);
    if args.access.is_json() || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return once(watch, &args);
    }
    live(watch, args)
}

/// Two looks, because rates lie between them.
fn once(mut watch: Watch, args: &Top) -> anyhow::Result<()> {
    let until = Instant::now() + args.interval;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        // It may wake for no reason, and then waits for the rest.
        thread::park_timeout(left);
    }
    watch.next(Look::take(&Api::new(&args.access)?, Some(watch.tenant()))?);
    if args.access.is_json() {
        terminal::line(serde_json::to_string_pretty(&json!({
            "host": watch.host(),
            "tenants": watch.tenants(),
            "tenant": watch.tenant(),
            "plugins": watch.plugins(),
        }))?);
        return Ok(());
    }
    for line in screen::head(&watch) {
        terminal::line(table::plain(&line));
    }
    for (name, lines) in [("tenant", watch.tenants()), ("plugin", watch.plugins())] {
        terminal::line("");
        terminal::line(table::table(screen::columns(name), &lines.iter().map(screen::cells).collect::<Vec<_>>()));
    }
    Ok(())
}

/// A terminal that is given back as it was.
struct Screen(ratatui::DefaultTerminal);

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn live(mut watch: Watch, args: Top) -> anyhow::Result<()> {
    let (asks, looks) = looker(args.access);
    let mut screen = Screen(ratatui::try_init().context("the terminal cannot be used")?);
    let mut due = Instant::now() + args.interval;
    loop {
        screen.0.draw(|frame| screen::draw(frame, &watch))?;
        let wait = due.saturating_duration_since(Instant::now()).min(BLINK);
        if event::poll(wait)?
            && let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && press(&mut watch, key) == Press::End
        {
            return Ok(());
        }
        match looks.try_recv() {
            Ok(Ok(look)) => watch.next(look),
            Ok(Err(error)) => watch.lose(&error),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => bail!("nobody looks at the host any more"),
        }
        if Instant::now() >= due {
            // One that is still looking is not asked again.
            let _busy = asks.try_send(watch.tenant().to_owned());
            due = Instant::now() + args.interval;
        }
    }
}

/// A thread that looks when it is asked to, so that a host that is slow does not stop the keys. It ends when nobody asks any more.
fn looker(access: Access) -> (SyncSender<String>, Receiver<anyhow::Result<Look>>) {
    let (asks, asked) = mpsc::sync_channel::<String>(1);
    let (looks, looked) = mpsc::sync_channel(1);
    let access = Arc::new(access);
    thread::spawn(move || {
        let Ok(api) = Api::new(&access) else { return };
        while let Ok(tenant) = asked.recv() {
            if looks.send(Look::take(&api, Some(&tenant))).is_err() {
                return;
            }
        }
    });
    (asks, looked)
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Press {
    Stay,
    End,
}

fn press(watch: &mut Watch, key: KeyEvent) -> Press {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Press::End,
        KeyCode::Char('q') | KeyCode::Esc => return Press::End,
        KeyCode::Up | KeyCode::Char('k') => watch.up(),
        KeyCode::Down | KeyCode::Char('j') => watch.down(),
        KeyCode::Char('s') => watch.sort_by_next(),
        KeyCode::Char('r') => watch.turn_round(),
        _ => {}
    }
    Press::Stay
}

fn interval(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as in 1s"))?;
    if (SHORTEST..=LONGEST).contains(&time) { Ok(time) } else { Err("between 100ms and 1h".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::look::tests::{host, look};
    use super::*;

    #[test]
    fn keys_choose_sort_and_end() {
        let mut watch = Watch::new(look(host(), &[("a", 1), ("b", 2)], &[]), Sort::Name);
        assert_eq!(watch.tenant(), "a");
        for (code, tenant) in
            [(KeyCode::Down, "b"), (KeyCode::Down, "b"), (KeyCode::Char('k'), "a"), (KeyCode::Up, "a")]
        {
            assert_eq!(press(&mut watch, code.into()), Press::Stay);
            assert_eq!(watch.tenant(), tenant, "{code:?}");
        }
        press(&mut watch, KeyCode::Char('s').into());
        assert_eq!(watch.sort(), Sort::Connections);
        for end in [KeyCode::Char('q').into(), KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)] {
            assert_eq!(press(&mut watch, end), Press::End);
        }
        assert_eq!(press(&mut watch, KeyCode::Char('c').into()), Press::Stay);
    }
}
