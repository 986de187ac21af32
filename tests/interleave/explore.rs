//! How a race is run: in every order, or in many by chance.

use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use tokio::runtime::Builder;

/// Tries every order there is. The race must be small, and must do the same whenever the order is the same.
pub(crate) fn in_every_order(race: impl Fn() + Send + Sync + 'static) {
    on_a_clock_that_stands_still(|| shuttle::check_dfs(race, None));
}

/// Tries orders by chance: each step by any task, and then those in which few changes between tasks decide.
pub(crate) fn in_many_orders(orders: usize, race: impl Fn() + Clone + Send + Sync + 'static) {
    // Most bugs of this kind need two changes at the right places, and some a third (Burckhardt et al., 2010).
    const CHANGES: usize = 3;
    on_a_clock_that_stands_still(|| {
        shuttle::check_random(race.clone(), orders);
        shuttle::check_pct(race, orders, CHANGES);
    });
}

/// A deadline passes only if it is now; so the same order is the same race.
fn on_a_clock_that_stands_still(run: impl FnOnce()) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let _clock = runtime.enter();
    run();
}

/// A place where the scheduler may go on with another task.
pub(crate) fn another_may_go_first() {
    // No time passes here; of a sleep only the switch is left.
    shuttle::thread::sleep(Duration::ZERO);
}

/// Any of these, as the scheduler's own dice say: an order that is tried again has the same choices.
pub(crate) fn any<T: Clone>(choices: &[T]) -> T {
    choices.get(thread_rng().gen_range(0..choices.len())).expect("a choice").clone()
}
