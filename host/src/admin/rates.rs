//! How fast the clients of each tenant send and its plugins print, by a look at its counters once a second.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::ids::TenantId;
use crate::tenant::{Counter, Limit, Tenant, Tenants};

/// So often the counters are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The rates of all tenants.
#[derive(Default)]
pub(super) struct Rates {
    tenants: DashMap<TenantId, Look>,
}

/// What the counters were at the last look, and by how much they had grown.
#[derive(Clone, Copy, Default)]
struct Look {
    messages: u64,
    bytes: u64,
    printed: u64,
    message_rate: u64,
    byte_rate: u64,
    print_rate: u64,
}

impl Rates {
    /// Looks, for as long as it is polled.
    pub(super) async fn run(&self, tenants: &Tenants) {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            self.look(&tenants.all());
        }
    }

    fn look(&self, tenants: &[Arc<Tenant>]) {
        for tenant in tenants {
            let counted = |counter| tenant.usage().counted(counter);
            let (messages, bytes) = (counted(Counter::MessagesIn), counted(Counter::BytesIn));
            let printed = tenant.printed();
            let mut look = self.tenants.entry(tenant.id()).or_default();
            let message_rate = messages.saturating_sub(look.messages);
            let byte_rate = bytes.saturating_sub(look.bytes);
            let print_rate = printed.saturating_sub(look.printed);
            *look = Look { messages, bytes, printed, message_rate, byte_rate, print_rate };
        }
        if self.tenants.len() > tenants.len() {
            self.tenants.retain(|id, _| tenants.iter().any(|tenant| tenant.id() == *id));
        }
    }

    /// How much of something a tenant uses; of rates, in the second before the last look.
    pub(super) fn used(&self, tenant: &Tenant, limit: Limit) -> u64 {
        let look = self.tenants.get(&tenant.id()).map(|look| *look).unwrap_or_default();
        match limit {
            Limit::MessageRate => look.message_rate,
            Limit::ByteRate => look.byte_rate,
            Limit::Log => look.print_rate,
            other => u64::try_from(tenant.usage().used(other)).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_between_two_looks() {
        let (rates, tenant) = (Rates::default(), Tenant::of_the_host());
        let rates_of = [Limit::MessageRate, Limit::ByteRate, Limit::Log];
        let used = |rates: &Rates| rates_of.map(|limit| rates.used(&tenant, limit));
        assert_eq!(used(&rates), [0, 0, 0]);
        for (messages, bytes) in [(3, 300), (1, 10), (0, 0)] {
            tenant.usage().count(Counter::MessagesIn, messages);
            tenant.usage().count(Counter::BytesIn, bytes);
            assert!(tenant.may_print(bytes * 2));
            rates.look(std::slice::from_ref(&tenant));
            assert_eq!(used(&rates), [messages, bytes, bytes * 2].map(|count| count as u64));
        }
        rates.look(&[]);
        assert!(rates.tenants.is_empty());
    }
}
