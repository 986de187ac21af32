//! One message event: a warm instance that is called, and a fresh one that is made for it.

use std::sync::Arc;

use criterion::Criterion;
use holdline::engine::{self, Engine};
use holdline::guest::v1::Event;
use holdline::hub::{Connection, EventKind, Hub, Settings};
use holdline::ids::NodeId;
use holdline::message::Message;
use holdline::plugin::{Dispatch, Isolation, Manifest, Plugins};

use crate::door::{TENANT, connect, pop, tenant, text};
use crate::harness::{MUTE, sample};
use crate::{TEXT, each, runtime};

pub(crate) fn measure(criterion: &mut Criterion) {
    let runtime = runtime();
    let mute = MUTE.component().expect("a component");
    let (_, echo) = sample("echo").expect("a component");
    let mut group = criterion.benchmark_group("call");
    for (instance, isolation) in [("warm", Isolation::Pooled), ("fresh", Isolation::Event)] {
        for (answer, component) in [("no reply", &mute), ("echo", &echo)] {
            let mut handler = Handler::new(component, isolation);
            group.bench_function(format!("{instance}, {answer}"), |bencher| {
                each(bencher, &runtime, async || handler.handle().await);
            });
        }
    }
    group.finish();
}

/// A plugin and one connection of it, without a socket.
struct Handler {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
    dispatch: Dispatch,
    message: Message,
    // The plugin asks for nothing there, and may.
    _plugins: Arc<Plugins>,
}

impl Handler {
    fn new(component: &[u8], isolation: Isolation) -> Self {
        let engine =
            Engine::new(&engine::Settings { instances: 16, ..engine::Settings::default() }).expect("an engine");
        let (hub, _due) = Hub::new(NodeId::default(), Settings::default()).expect("random numbers");
        let hub = Arc::new(hub);
        let (plugins, _told) = Plugins::new(engine, Arc::clone(&hub));
        let manifest = Manifest { isolation, ..Manifest::bare("measured") };
        let plugin = plugins.load(tenant(TENANT), manifest, component).expect("a plugin");
        let connection = connect(&hub, TENANT, "/");
        let dispatch = Dispatch::new(plugin, connection.upgrade());
        Self { hub, connection, dispatch, message: text(TEXT), _plugins: plugins }
    }

    /// What the task of a connection does with a message, from the inbox to the outbox.
    async fn handle(&mut self) {
        self.connection.begin_event(EventKind::Message);
        let outcome = self.dispatch.handle(&self.connection, Event::Message(self.message.clone())).await;
        assert_eq!(outcome, Ok(()), "the plugin failed");
        self.hub.finish_event(&self.connection, outcome);
        while pop(&self.connection).is_some() {}
    }
}
