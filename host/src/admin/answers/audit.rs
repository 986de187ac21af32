//! The audit log.

use serde::Deserialize;

use super::tenants::since;
use super::{MOST, Page, USUAL};
use crate::admin::ask::{Answer, Ask, ok};
use crate::admin::fault::Fault;
use crate::admin::ledger::Seen;

/// Which entries are wanted.
#[derive(Debug, Deserialize)]
struct Part {
    limit: Option<usize>,
    after: Option<String>,
    last: Option<usize>,
}

/// Those of a tenant.
pub(in crate::admin) async fn of_tenant(ask: Ask) -> Answer {
    let tenant = ask.tenant()?;
    let seen = Seen::Tenant(tenant.name().to_owned(), since(&ask.api, tenant).await?);
    entries(&ask, &seen).await
}

/// Those of the host.
pub(in crate::admin) async fn of_host(ask: Ask) -> Answer {
    entries(&ask, &Seen::Host).await
}

async fn entries(ask: &Ask, seen: &Seen) -> Answer {
    let Part { limit, after, last } = ask.query()?;
    let in_range = |key: &str, most: usize| {
        if (1..=MOST).contains(&most) {
            Ok(most)
        } else {
            Err(Fault::invalid(format!("`{key}` is not from 1 to {MOST}")))
        }
    };
    if let Some(last) = last {
        if after.is_some() {
            return Err(Fault::invalid("`last` and `after` exclude each other"));
        }
        let items = ask.api.ledger.last_entries(seen, in_range("last", last)?).await?;
        return ok(&Page { items, next: None });
    }
    let after =
        after.map_or(Ok(0), |after| after.parse()).map_err(|_| Fault::invalid("`after` is no entry's number"))?;
    let (items, is_more) = ask.api.ledger.entries(seen, after, in_range("limit", limit.unwrap_or(USUAL))?).await?;
    let next = items.last().filter(|_| is_more).map(|entry| entry.sequence.to_string());
    ok(&Page { items, next })
}
