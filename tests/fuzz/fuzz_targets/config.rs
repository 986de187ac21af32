//! The text of `holdline.toml`: it is read, or refused with a place; what is read shows no secret and holds no time that a clock
//! cannot tell.
#![no_main]

use std::path::Path;
use std::time::{Duration, Instant};

use holdline::config::Config;
use holdline_fuzz::shown::{check_error, check_hidden};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = |text: &str| Config::parse(text, Path::new("holdline.toml"));
    match read(text) {
        Ok(config) => {
            check_times(&config);
            config.warn_of_overcommitment();
        }
        Err(error) => check_error(&error.to_string()),
    }
    check_hidden(text, |text| read(text).map_or_else(|error| error.to_string(), |config| format!("{config:?}")));
});

fn check_times(config: &Config) {
    let (listen, hub, engine) = (&config.listen, &config.hub, &config.engine);
    let times = [
        config.drain.timeout,
        listen.header_timeout,
        listen.keepalive,
        listen.keepalive_timeout,
        listen.idle_timeout.unwrap_or_default(),
        listen.slow_consumer,
        listen.close_timeout,
        hub.retain_deadline,
        hub.retain_maximum,
        hub.longest_delay,
        engine.tick,
        engine.compile_timeout,
    ];
    for time in times {
        // Twice each: the host waits for so long and for as long again.
        let again = time.checked_mul(2).and_then(|twice| Instant::now().checked_add(twice));
        assert!(again.is_some() && time <= Duration::from_secs(1 << 32), "{time:?}");
    }
}
