//! How `holdline top` looks.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table, TableState};

use super::super::table::Column::{self, Numbers, Words};
use super::super::table::{count, plain, size, span, word};
use super::look::{Line, Sort, Watch};

/// Wide enough for the largest number that is likely, and for the head.
const WIDTHS: [Constraint; 8] = [
    Constraint::Fill(1),
    Constraint::Length(11),
    Constraint::Length(9),
    Constraint::Length(11),
    Constraint::Length(12),
    Constraint::Length(10),
    Constraint::Length(10),
    Constraint::Length(10),
];

/// The heads, in the order of [`Sort`].
pub(super) fn columns(name: &'static str) -> [Column; 8] {
    [
        Words(name),
        Numbers("connections"),
        Numbers("held"),
        Numbers("messages/s"),
        Numbers("bytes/s"),
        Numbers("events/s"),
        Numbers("failures/s"),
        Numbers("memory"),
    ]
}

/// What stands under them.
pub(super) fn cells(line: &Line) -> [String; 8] {
    [
        line.name.clone(),
        count(line.connections),
        count(line.held),
        count(whole(line.messages_per_second)),
        size(whole(line.bytes_per_second)),
        count(whole(line.events_per_second)),
        rare(line.failures_per_second),
        size(line.memory_bytes),
    ]
}

/// What the host is and does as a whole, in two lines.
pub(super) fn head(watch: &Watch) -> [String; 2] {
    let sum = watch.sum();
    let first = match watch.host() {
        Some(host) => format!(
            "holdline {}   {}   up {}   {} tenants   {} plugins   {} instances   {} resident",
            host.version,
            word(host.state),
            span(host.uptime_ms),
            count(host.tenants),
            count(host.plugins),
            count(host.instances),
            size(host.resident_bytes)
        ),
        None => format!("tenant {}", watch.tenant()),
    };
    let second = format!(
        "{} connections   {} held   {} messages/s   {}/s   {} events/s   {} failures/s",
        count(sum.connections),
        count(sum.held),
        count(whole(sum.messages_per_second)),
        size(whole(sum.bytes_per_second)),
        count(whole(sum.events_per_second)),
        rare(sum.failures_per_second)
    );
    [first, second]
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, watch: &Watch) {
    let [top, tenants, plugins, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Fill(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    let [first, second] = head(watch).map(|line| plain(&line));
    frame.render_widget(Paragraph::new(vec![Text::from(first.bold()), Text::from(second)]), top);
    let mut chosen = TableState::new().with_selected(watch.place());
    let tenant_rows = lines(" tenants ".to_owned(), "tenant", watch, &watch.tenants());
    frame.render_stateful_widget(tenant_rows.row_highlight_style(Style::new().reversed()), tenants, &mut chosen);
    let title = format!(" plugins of {} ", plain(watch.tenant()));
    frame.render_widget(lines(title, "plugin", watch, &watch.plugins()), plugins);
    footing(frame, watch, foot);
}

fn footing(frame: &mut Frame<'_>, watch: &Watch, place: Rect) {
    let keys = Span::from("↑↓ tenant   s sort   r reverse   q quit").dim();
    let text = watch.trouble().map_or(keys, |trouble| Span::from(plain(trouble)).red());
    frame.render_widget(Paragraph::new(Text::from(text)), place);
}

fn lines(title: String, name: &'static str, watch: &Watch, lines: &[Line]) -> Table<'static> {
    let sorted = columns(name).into_iter().zip(SORTS).map(|(column, sort)| {
        let style = if sort == watch.sort() { Modifier::UNDERLINED | Modifier::BOLD } else { Modifier::DIM };
        cell(column.head().to_owned(), column).style(Style::new().add_modifier(style))
    });
    let rows = lines.iter().map(|line| {
        let failing = line.failures_per_second > 0.0;
        let row = Row::new(cells(line).into_iter().zip(columns(name)).map(|(text, column)| cell(plain(&text), column)));
        if failing { row.red() } else { row }
    });
    let block = Block::new().borders(Borders::TOP).title(title);
    Table::new(rows.collect::<Vec<_>>(), WIDTHS).header(Row::new(sorted)).block(block)
}

/// What each column is sorted by.
const SORTS: [Sort; 8] = [
    Sort::Name,
    Sort::Connections,
    Sort::Held,
    Sort::Messages,
    Sort::Bytes,
    Sort::Events,
    Sort::Failures,
    Sort::Memory,
];

fn cell(text: String, column: Column) -> Cell<'static> {
    let side = match column {
        Words(_) => Alignment::Left,
        Numbers(_) => Alignment::Right,
    };
    Cell::new(Text::from(text).alignment(side))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and never that large"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// One failure in ten seconds is not none.
fn rare(rate: f64) -> String {
    if rate > 0.0 && rate < 10.0 { format!("{rate:.1}") } else { count(whole(rate)) }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::look::tests::{host, look};
    use super::*;

    fn drawn(watch: &Watch) -> String {
        let mut terminal = Terminal::new(TestBackend::new(100, 12)).expect("a terminal");
        terminal.draw(|frame| draw(frame, watch)).expect("a picture");
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_has_the_host_its_tenants_and_the_plugins_of_one() {
        let watch = Watch::new(look(host(), &[("a", 1), ("shop", 2)], &[("echo", 1)]), Sort::Name);
        let drawn = drawn(&watch);
        for shown in
            ["holdline 0.1.0   ready   up 2h   2 tenants", "3 connections", "shop", "plugins of a", "echo", "1.0 MiB"]
        {
            assert!(drawn.contains(shown), "`{shown}` is not in:\n{drawn}");
        }
    }

    #[test]
    fn a_host_that_is_lost_is_said_and_what_was_seen_stays() {
        let mut watch = Watch::new(look(host(), &[("a", 1)], &[("echo", 1)]), Sort::Name);
        watch.lose(&anyhow::anyhow!("no host listens at \u{1b}[31m"));
        let drawn = drawn(&watch);
        assert!(drawn.contains("no host listens at \\u{1b}[31m") && drawn.contains("echo"), "{drawn}");
    }

    #[test]
    fn a_rare_failure_is_not_shown_as_none() {
        assert_eq!([0.0, 0.1, 12.4].map(rare), ["0", "0.1", "12"]);
    }
}
