//! Every import of the contract and of the capabilities, called in any order with arguments of any sense by handlers, workers, timers and
//! channel handlers: nothing of the host fails, no trap is but the guest's own, and afterwards its tenant's account is empty.
#![no_main]

use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use arbitrary::{Result, Unstructured};
use holdline::guest::v1::{Acceptance, Capabilities, Event, Grants};
use holdline::hub::{CloseInfo, Connection, EventKind, NextStep, Upgrade};
use holdline::message::Message;
use holdline::outgoing::Trust;
use holdline::plugin::{Decision, Deployment, Dispatch, Manifest, Plugin};
use holdline::store::Store;
use holdline::tenant::{Limit, TenantName};
use holdline_fuzz::host::Plugins;
use holdline_fuzz::log;
use holdline_fuzz::player::Player;
use holdline_fuzz::program::{Author, Time};
use libfuzzer_sys::fuzz_target;

/// What a trap may be: the guest's memory, its handles, what the contract says, or that it takes too long.
const OWN: [&str; 12] = [
    "unreachable",
    "out of bounds",
    "out-of-bounds",
    "unknown handle index",
    "handle index",
    "not the one of this event",
    "incomplete utf-8",
    "invalid utf-8",
    "borrow",
    "not aligned",
    "longer than",
    "fuel allocated for hostcalls has been exhausted",
];

/// A program can be its own timer's, which goes on for ever. After so many looks, each twice as long after the one before, a timer is taken for
/// such a one, and the plugin that stays goes, too: 0.8 s, in which every event has come to its end.
const SELF_MADE: u32 = 13;

/// A program can be its own worker's, too, and then no virtual time passes. When an input takes this long the plugin goes in any case.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who comes and goes has a channel of its own, whose handler ends with it.
const CHANNEL: &str = "[[channel]]\nname = \"items\"\ncapacity = 4\nconcurrency = 2\n";

static STAGE: OnceLock<Stage> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let stage = STAGE.get_or_init(|| {
        thread::spawn(lose_patience);
        Stage::new()
    });
    let mut u = Unstructured::new(bytes);
    let rules = u.arbitrary::<u8>().unwrap_or_default();
    let time = if rules & 7 == 7 { Time::Real } else { Time::Virtual };
    // To take a plugin in and out takes far longer than what it is called for.
    let life = if rules & 0x38 == 0x38 { Life::OfThis } else { Life::OfAll };
    stage.play(time, life, &mut u);
});

/// Whether the plugin is there for one input alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    OfThis,
    OfAll,
}

/// A host of each kind of time.
struct Stage {
    player: Player,
    out_of_time: Plugins,
    in_time: Plugins,
    /// Since when there is an input, and on which host.
    playing: Mutex<Option<(Instant, Time)>>,
}

impl Stage {
    fn new() -> Self {
        log::watch(log::Plugins::MayFail(&OWN));
        let (out_of_time, in_time) = (Plugins::out_of_time(), Plugins::in_time());
        grant(&out_of_time);
        grant(&in_time);
        Self { player: Player::new(), out_of_time, in_time, playing: Mutex::new(None) }
    }

    fn host(&self, time: Time) -> &Plugins {
        match time {
            Time::Virtual => &self.out_of_time,
            Time::Real => &self.in_time,
        }
    }

    fn play(&self, time: Time, life: Life, u: &mut Unstructured<'_>) {
        let plugins = self.host(time);
        // An event that waits for ever does so for its whole time, which passes; or not, but then there is a timer each millisecond of it.
        let timeout = if time == Time::Real { "5ms" } else { "500ms" };
        plugins.block_on(async {
            let plugin = match (life, stays(plugins)) {
                (Life::OfAll, Some(plugin)) => plugin,
                (Life::OfAll, None) => deploy(plugins, &self.player, "stays", timeout, "").await,
                (Life::OfThis, _) => deploy(plugins, &self.player, "goes", timeout, CHANNEL).await,
            };
            *self.playing.lock().expect("no panic") = Some((Instant::now(), time));
            let mut clients = Vec::new();
            for path in ["/fuzz", "/other"] {
                clients.push(Client::connect(plugins, &plugin, path, Author::new(&self.player, time)).await);
            }
            // What there is no more input for is left out.
            _ = act(&mut clients, time, u).await;
            for client in clients {
                client.close().await;
            }
            settle(plugins, plugin, life).await;
        });
        *self.playing.lock().expect("no panic") = None;
    }
}

fn stays(plugins: &Plugins) -> Option<Arc<Plugin>> {
    plugins.registry.find(plugins.tenant().id(), "stays")
}

/// Ends what does not end, on a thread of its own.
fn lose_patience() {
    loop {
        thread::sleep(PATIENCE / 20);
        let Some(stage) = STAGE.get() else { continue };
        let playing = *stage.playing.lock().expect("no panic");
        if let Some((since, time)) = playing
            && since.elapsed() > PATIENCE
        {
            let plugins = stage.host(time);
            if let Some(plugin) = stays(plugins) {
                plugins.registry.remove(&plugin);
            }
        }
    }
}

/// Grants the host's own plugins all that needs no network.
fn grant(plugins: &Plugins) {
    let space = Store::in_memory().expect("a store").space("default");
    let grants = Grants { http: Vec::new(), ..Grants::all() };
    let config = [("key".to_owned(), "value".to_owned())].into();
    let capabilities = Capabilities::new(grants, space, config, [].into(), Trust::nobody());
    plugins.registry.grant(&plugins.tenant(), capabilities);
}

async fn deploy(plugins: &Plugins, player: &Player, name: &str, timeout: &str, channel: &str) -> Arc<Plugin> {
    let manifest = format!("name = {name:?}\nisolation = \"connection\"\n[limits]\ntimeout = {timeout:?}\n{channel}");
    let manifest = Manifest::parse(&manifest, name).expect("a manifest");
    let component = player.component.clone();
    let deployment = Deployment { manifest, component, route: None, tenant: TenantName::default() };
    plugins.registry.deploy(deployment).await.expect("a plugin")
}

/// Gives the clients events, one after the other.
async fn act(clients: &mut [Client<'_>], time: Time, u: &mut Unstructured<'_>) -> Result<()> {
    let pauses: &[u64] = if time == Time::Real { &[1] } else { &[0, 1, 10, 100] };
    while !u.is_empty() {
        let number = u.choose_index(clients.len())?;
        let client = &mut clients[number];
        match u.int_in_range(0..=9)? {
            0 => client.connection.peer_gone(),
            1 => client.hub.hub.expire(&client.connection),
            2 => client.take(),
            3 => tokio::time::sleep(Duration::from_millis(*u.choose(pauses)?)).await,
            _ => {
                let program = client.author.program(u)?;
                client.message(program).await;
            }
        }
    }
    Ok(())
}

/// One connection, without a socket.
struct Client<'p> {
    hub: &'p Plugins,
    connection: Arc<Connection>,
    events: Dispatch,
    author: Author<'p>,
}

impl<'p> Client<'p> {
    async fn connect(hub: &'p Plugins, plugin: &Arc<Plugin>, path: &str, author: Author<'p>) -> Self {
        let upgrade = Upgrade {
            path: path.into(),
            query: "a=b".into(),
            headers: [("x-one", &b"1"[..]), ("x-two", &b"\xff"[..])].into_iter().collect(),
            remote_address: ([192, 0, 2, 7], 50123).into(),
        };
        let mut events = Dispatch::new(Arc::clone(plugin), &upgrade);
        let accepted = events.connect(&upgrade, &[]).await;
        assert_eq!(accepted, Decision::Accept(Acceptance::default()));
        let lease = plugin.owner().lease(Limit::Connections).expect("room for a connection");
        let connection =
            hub.hub.connect(lease, plugin.shared_name(), upgrade, None, Vec::new()).expect("random numbers");
        let mut client = Self { hub, connection, events, author };
        client.event(Event::Open).await;
        client
    }

    /// Gives it a message, if it is not held and not at its end.
    async fn message(&mut self, program: Vec<u8>) {
        if self.connection.next_step() == NextStep::Proceed {
            self.event(Event::Message(Message::Binary(program.into()))).await;
        }
    }

    async fn event(&mut self, event: Event) {
        self.connection.begin_event(event.kind());
        let outcome = self.events.handle(&self.connection, event).await;
        _ = self.hub.hub.finish_event(&self.connection, outcome);
    }

    /// Takes what waits to be written, as its socket does.
    fn take(&self) {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        _ = self.connection.look(&mut cx, usize::MAX, |outgoing| {
            if let Some(told) = outgoing.written {
                _ = told.send(());
            }
        });
    }

    async fn close(mut self) {
        self.take();
        self.connection.begin_event(EventKind::Close);
        _ = self.events.handle(&self.connection, Event::Close(CloseInfo { frame: None, clean: false })).await;
        self.hub.hub.disconnect(&self.connection);
    }
}

/// Takes away what outlives connections by intent, and waits until the account is empty.
async fn settle(plugins: &Plugins, plugin: Arc<Plugin>, life: Life) {
    let tenant = plugins.tenant();
    if life == Life::OfThis {
        plugins.registry.remove(&plugin);
    }
    drop(plugin);
    let used = || {
        let staying = stays(plugins).map_or(0, |_| 1);
        let used = |limit: Limit| tenant.usage().used(limit) - if limit == Limit::Plugins { staying } else { 0 };
        let counted = |limit: &Limit| *limit != Limit::KeyValueBytes;
        Limit::ALL.into_iter().filter(counted).map(|limit| (limit.name(), used(limit))).collect::<Vec<_>>()
    };
    for step in 0..24 {
        // What still runs may open channels, and set timers if it stays.
        plugins.hub.channels().forget(&tenant);
        if life == Life::OfAll
            && let Some(plugin) = stays(plugins)
        {
            if step == SELF_MADE && tenant.usage().used(Limit::Timers) > 0 {
                plugins.registry.remove(&plugin);
            }
            let timers = plugins.hub.timers();
            for timer in timers.list(plugin.id()) {
                _ = timers.cancel(plugin.id(), timer.id);
            }
        }
        if used().iter().all(|(_, used)| *used == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_micros(100 << step)).await;
    }
    panic!("something is left: {:?}", used());
}
