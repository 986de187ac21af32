//! The bytes of a component, or its text: what is deployed is taken in or refused, and nothing of it is left when it goes.
#![no_main]

use std::cell::OnceCell;

use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::{Limit, TenantName};
use holdline_fuzz::host::Plugins;
use holdline_fuzz::log;
use libfuzzer_sys::{Corpus, fuzz_target};

thread_local! {
    static PLUGINS: OnceCell<Plugins> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    PLUGINS.with(|plugins| {
        let plugins = plugins.get_or_init(|| {
            log::watch(log::Plugins::MayFail(&[""]));
            Plugins::new()
        });
        deploy(plugins, bytes)
    })
});

fn deploy(plugins: &Plugins, bytes: &[u8]) -> Corpus {
    // Text is what mutation makes another valid component of; bytes are what comes over the wire.
    let parsed;
    let component = if bytes.starts_with(b"(") {
        match std::str::from_utf8(bytes).ok().and_then(|text| wat::parse_str(text).ok()) {
            Some(component) => parsed = component,
            None => return Corpus::Reject,
        }
        &parsed
    } else {
        bytes
    };
    let mut manifest = match Manifest::of_component(component, "x.wasm") {
        Ok(manifest) => manifest.unwrap_or_else(|| Manifest::bare("x")),
        Err(_) => return Corpus::Keep,
    };
    // What they may use is not the matter here, and what a start function may compute takes time.
    manifest.limits = Manifest::bare("x").limits;
    manifest.limits.cpu = std::time::Duration::from_millis(5);
    manifest.limits.timeout = std::time::Duration::from_millis(50);
    manifest.workers.clear();
    let deployment = Deployment { manifest, component: component.to_vec(), route: None, tenant: TenantName::default() };
    plugins.block_on(async {
        match plugins.registry.deploy(deployment).await {
            Ok(plugin) => plugins.registry.remove(&plugin),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
    let tenant = plugins.tenant();
    let usage = tenant.usage();
    for limit in [Limit::Plugins, Limit::Instances, Limit::Memory, Limit::Workers] {
        assert_eq!(usage.used(limit), 0, "{}", limit.name());
    }
    Corpus::Keep
}
