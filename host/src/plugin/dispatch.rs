//! Which version and which instance handle an event of a connection, as the plugin's manifest says, what becomes of its attachment when
//! that is another version than before, and what becomes of failures: they go to the plugin's log, and the connection learns only that
//! there was one.

use std::sync::Arc;
use std::time::Instant;

use super::canary::{Canary, CanaryRules, Lot, Named};
use super::loaded::{Followed, Plugin};
use super::manifest::Isolation;
use super::version::Version;
use crate::digest::Brief;
use crate::guest::v1::{Acceptance, Event, Failure, Instance, Refusal};
use crate::hub::{Connection, Upgrade};
use crate::tenant::Counter;

/// What becomes of a client that wants to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Accept(Acceptance),
    /// It may not.
    Refuse(Refusal),
    /// The plugin failed.
    Failed,
    /// It would need an instance of its own, and the host has as many as it may.
    Full,
}

/// Gives the events of one connection to its plugin.
pub struct Dispatch {
    plugin: Arc<Plugin>,
    serving: Followed,
    // The one that has handled its last event.
    version: Arc<Version>,
    lot: Lot,
    moves: Moves,
    // The connection's own instance, if the isolation gives it one.
    own: Option<Box<Instance>>,
}

impl Dispatch {
    /// For a connection of this plugin that came with this request.
    #[must_use]
    pub fn new(plugin: Arc<Plugin>, upgrade: &Upgrade) -> Self {
        let lot = Lot::draw();
        let mut serving = plugin.followed();
        let version = Arc::clone(serving.load().of(lot, |rules| named(rules, upgrade)).0);
        Self { plugin, serving, version, lot, moves: Moves::Yes, own: None }
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The version that has handled its last event, for a line of the log.
    #[must_use]
    pub fn version(&self) -> Brief {
        self.version.brief()
    }

    /// Asks the plugin whether a client may connect; without a connect handler everyone may.
    pub async fn connect(&mut self, upgrade: &Upgrade, subprotocols: &[String]) -> Decision {
        let Self { plugin, version, own, .. } = self;
        if version.manifest().isolation == Isolation::Connection {
            // Before it is accepted: a connection that waited for an instance of its own would wait for another one to end.
            match version.instantiate_now().await {
                Ok(instance) => *own = Some(instance),
                Err(failure) => {
                    plugin.log(version, "connect", &failure);
                    return Decision::Full;
                }
            }
        }
        if !version.exports().connect_handler {
            return Decision::Accept(Acceptance::default());
        }
        plugin.usage().count(Counter::Events, 1);
        let answer = match lend(own, version).await {
            Ok(mut instance) => {
                let answer = instance.on_connect(upgrade, subprotocols).await;
                give_back(own, version, instance);
                answer
            }
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(Ok(acceptance)) => Decision::Accept(acceptance),
            Ok(Err(refusal)) => Decision::Refuse(refusal),
            Err(failure) => {
                plugin.log(version, "connect", &failure);
                Decision::Failed
            }
        }
    }

    /// Gives an event of the connection to the version of the plugin that is its own now. Without a handler nothing is to be done.
    ///
    /// # Errors
    /// The plugin failed.
    pub async fn handle(&mut self, connection: &Arc<Connection>, event: Event) -> Result<(), ()> {
        let usage = self.plugin.usage();
        usage.count(Counter::Events, 1);
        if let Event::Message(message) = &event {
            usage.count(Counter::MessagesIn, 1);
            usage.count(Counter::BytesIn, message.len());
        }
        let trial = match self.choose(connection) {
            None => None,
            Some(Step::Try(canary)) => Some(Trial::begin(canary)),
            // Boxed, so that only who moves has room for it.
            Some(Step::Migrate { to, canary }) => match Box::pin(self.migrate(connection, to, canary)).await {
                Ok(trial) => trial,
                // It comes whatever has failed before, and to the version whose attachment it is.
                Err(()) if matches!(event, Event::Close(_)) => None,
                Err(()) => return Err(()),
            },
        };
        let Self { plugin, version, own, .. } = self;
        if !version.exports().handler {
            return Ok(());
        }
        let name = event.name();
        let failure = match lend(own, version).await {
            Ok(mut instance) => {
                let answer = instance.handle(connection, event).await;
                give_back(own, version, instance);
                answer.err()
            }
            Err(failure) => Some(failure),
        };
        let outcome = failure.map_or(Ok(()), |failure| {
            plugin.log(version, name, &failure);
            Err(())
        });
        if let Some(trial) = trial {
            trial.judge(plugin, outcome);
        }
        outcome
    }

    /// Moves on to the version that the connection is to have by now, and returns what is to be done beside the event.
    fn choose(&mut self, connection: &Connection) -> Option<Step> {
        let (version, canary) = self.serving.load().of(self.lot, |rules| named(rules, connection.upgrade()));
        if !Arc::ptr_eq(version, &self.version) {
            if self.moves == Moves::No || self.version.keeps_from(version) {
                return None;
            }
            if version.migrates_from(&self.version) {
                return Some(Step::Migrate { to: Arc::clone(version), canary: canary.cloned() });
            }
            self.version = Arc::clone(version);
        }
        connection.label(self.version.number());
        canary.cloned().map(Step::Try)
    }

    /// Moves on to a version that makes the attachment its own. If it cannot, the connection stays with the version before, for what is
    /// left of it: that one knows the attachment.
    async fn migrate(
        &mut self,
        connection: &Connection,
        to: Arc<Version>,
        canary: Option<Arc<Canary>>,
    ) -> Result<Option<Box<Trial>>, ()> {
        let trial = canary.map(Trial::begin);
        // Until it has been done: a migration that is given up half-way leaves it so.
        self.moves = Moves::No;
        if let Err(failure) = turn_over(&mut self.own, &self.version, &to, connection).await {
            self.plugin.log(&to, "migrate", &failure);
            if let Some(trial) = trial {
                trial.judge(&self.plugin, Err(()));
            }
            return Err(());
        }
        self.moves = Moves::Yes;
        connection.label(to.number());
        self.version = to;
        Ok(trial)
    }
}

/// Whether a connection goes on to another version when that is to have it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    Yes,
    No,
}

/// What few events need before they are handled.
enum Step {
    /// A canary handles it.
    Try(Arc<Canary>),
    /// The connection comes to another version, which is to see the attachment first.
    Migrate { to: Arc<Version>, canary: Option<Arc<Canary>> },
}

/// An event that a canary handles.
struct Trial {
    canary: Arc<Canary>,
    begun: Instant,
}

impl Trial {
    /// Boxed, so that only those on trial have room for it.
    fn begin(canary: Arc<Canary>) -> Box<Self> {
        Box::new(Self { canary, begun: Instant::now() })
    }

    fn judge(&self, plugin: &Plugin, outcome: Result<(), ()>) {
        if let Some(why) = self.canary.judge(outcome, self.begun.elapsed()) {
            plugin.take_back_because(&self.canary, &why);
        }
    }
}

fn named(rules: &CanaryRules, upgrade: &Upgrade) -> Named {
    let Some((name, value)) = &rules.header else { return Named::No };
    let is_there =
        upgrade.headers.iter().any(|(other, there)| other.eq_ignore_ascii_case(name) && there == value.as_bytes());
    if is_there { Named::Yes } else { Named::No }
}

/// Turns the attachment of one version into that of another.
async fn turn_over(
    own: &mut Option<Box<Instance>>,
    from: &Version,
    to: &Version,
    connection: &Connection,
) -> Result<(), Failure> {
    let attachment = connection.attachment();
    if attachment.is_empty() {
        return Ok(());
    }
    let mut instance = lend(own, to).await?;
    let answer = instance.migrate(&attachment, &from.digest().to_string()).await;
    give_back(own, to, instance);
    let attachment = answer?;
    let size = attachment.len();
    connection.set_attachment(attachment).map_err(|_| Failure::LargeAttachment(size))
}

async fn lend(own: &mut Option<Box<Instance>>, version: &Version) -> Result<Box<Instance>, Failure> {
    let turn = version.turn_to_begin().await;
    // One of a version before ends here, so that its place is free when the next one is made.
    if let Some(instance) = own.take().filter(|instance| version.made(instance)) {
        instance.sit(turn);
        return Ok(instance);
    }
    version.lend_in(turn).await
}

fn give_back(own: &mut Option<Box<Instance>>, version: &Version, instance: Box<Instance>) {
    if version.manifest().isolation != Isolation::Connection {
        version.give_back(instance);
    } else if !instance.is_broken() {
        *own = Some(instance);
    }
}
