//! Where a case is played: a host with the puppet of one language, and clients of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};
use bytesize::ByteSize;
use holdline::digest::Digest;
use holdline::ids::TenantId;
use holdline::plugin::{Deployment, Manifest, embed};
use holdline::tenant::TenantName;
use serde_json::{Value, json};

use crate::harness::{Client, Host, Setup, case, logged, value};
use crate::languages::Puppet;

/// A case: its name, and what is to hold.
pub(crate) type Case = (&'static str, fn(Stage) -> Pin<Box<dyn Future<Output = anyhow::Result<()>>>>);

/// Names a case after its function.
macro_rules! cases {
    ($($name:literal => $case:ident),+ $(,)?) => {
        pub(crate) const CASES: &[crate::stage::Case] = &[$(($name, |stage| Box::pin($case(stage)))),+];
    };
}
pub(crate) use cases;

/// Milliseconds in which something comes for sure, and after which nothing will.
pub(crate) const LONG: u64 = 20_000;
pub(crate) const SHORT: u64 = 50;

#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) host: Arc<Host>,
    // The same puppet on a host that gives little.
    pub(crate) poor: Arc<Host>,
    pub(crate) name: Arc<str>,
    component: Arc<[u8]>,
    number: Arc<AtomicU32>,
}

impl Stage {
    pub(crate) async fn start(puppet: &Puppet) -> anyhow::Result<Self> {
        let name = format!("in-{}", puppet.language.id());
        let poorly = format!("{name}-poorly");
        let gate = Manifest::parse(&format!("name = \"{name}-gate\"\n"), &name)?;
        let gate = Deployment {
            manifest: gate,
            component: puppet.gate.clone(),
            route: Some(format!("/{name}-gate")),
            tenant: TenantName::default(),
        };
        let host = setup(puppet, &name)?.source(gate).start().await?;
        let poor = setup(puppet, &poorly)?
            .configured(|config| {
                config.hub.held_connections = 2;
                config.hub.timers = 1;
                config.hub.channels.count = 1;
                config.hub.outbox_size = ByteSize::kib(64);
                config.engine.instances = 8;
            })
            .start()
            .await?;
        let component = puppet.component.clone().into();
        Ok(Self { host: Arc::new(host), poor: Arc::new(poor), name: name.into(), component, number: Arc::default() })
    }

    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        self.client_with(&[]).await
    }

    pub(crate) async fn client_with(&self, headers: &[(&str, &str)]) -> anyhow::Result<Client> {
        self.host.connect_with(&format!("/{}", self.name), headers).await
    }

    /// A client of the host that gives little.
    pub(crate) async fn poor_client(&self) -> anyhow::Result<Client> {
        self.poor.connect(&format!("/{}-poorly", self.name)).await
    }

    /// The path of the gate.
    pub(crate) fn gate(&self) -> String {
        format!("/{}-gate", self.name)
    }

    /// A channel of no other case.
    pub(crate) fn channel(&self) -> String {
        format!("channel {}", self.number.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets another version of the puppet serve, and says which one did: two take turns, so that only one more is compiled. They differ in
    /// what nobody runs.
    pub(crate) async fn swap(&self) -> anyhow::Result<Digest> {
        let registry = self.host.registry();
        let plugin = registry.find(TenantId::default(), &self.name).context("the puppet is there")?;
        let before = Arc::clone(&plugin.serving().version);
        if plugin.all_kept().is_empty() {
            let component = embed(&self.component, &format!("name = {:?}", self.name));
            let (manifest, tenant) = (before.manifest().clone(), TenantName::default());
            registry.deploy(Deployment { manifest, component, route: None, tenant }).await?;
        } else {
            registry.roll_back(&plugin, None).await?;
        }
        Ok(before.digest())
    }

    /// Waits for a line of the puppet's log.
    pub(crate) async fn logged(&self, text: &str) -> anyhow::Result<String> {
        logged(&self.name, text).await
    }
}

fn setup(puppet: &Puppet, name: &str) -> anyhow::Result<Setup> {
    let manifest = format!("name = {name:?}\nisolation = \"pooled\"\n[[channel]]\nname = \"of {name}\"\ncapacity = 10");
    // The poor host has room for one channel, which is not the manifest's.
    let manifest = if name.ends_with("poorly") { format!("name = {name:?}\nisolation = \"pooled\"") } else { manifest };
    let manifest = Manifest::parse(&manifest, name)?;
    let route = Some(format!("/{name}"));
    Ok(Setup::new().source(Deployment {
        manifest,
        component: puppet.component.clone(),
        route,
        tenant: TenantName::default(),
    }))
}

/// Gives commands: the outcomes, each as its value or the name of its error.
pub(crate) async fn play(client: &mut Client, commands: Value) -> anyhow::Result<Value> {
    client.tell(commands).await?;
    let report = client.report().await?;
    Ok(report.iter().map(|it| value(it).unwrap_or_else(|_| json!(case(it)))).collect())
}

/// Gives commands whose outcomes are to be these.
pub(crate) async fn expect(client: &mut Client, commands: Value, outcomes: Value) -> anyhow::Result<()> {
    let shown = commands.to_string();
    let played = play(client, commands).await?;
    ensure!(played == outcomes, "{shown:.300} came to {played}, and not to {outcomes}");
    Ok(())
}

/// What is the case, or an error that shows both.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(is: &T, wanted: &T) -> anyhow::Result<()> {
    ensure!(is == wanted, "{is:?} instead of {wanted:?}");
    Ok(())
}
