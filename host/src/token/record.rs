//! What is kept of a token, and what may be done with it: the role says what, the scope says where.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Action, Role, Token, TokenHash, TokenId};

/// How old the time of the last use may be before it is worth a write.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// Whose matters a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of the host and of all tenants.
    Host,
    /// Those of the tenant of this name.
    Tenant(String),
}

/// Whose matter it is that somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter<'a> {
    /// The host's own.
    OfHost,
    /// The host's, about this tenant: its limits, its hosts, that it exists.
    OfHostAbout(&'a str),
    /// This tenant's.
    OfTenant(&'a str),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It belongs to another tenant, and so it is not there: 404.
    #[error("not found")]
    Hidden,
    /// It is a matter of the host: 403.
    #[error("the token is one of a tenant, and this is a matter of the host")]
    Scope,
    /// The role does not allow it: 403.
    #[error("a {role} may not {action}")]
    Role {
        /// Which.
        role: Role,
        /// What.
        action: Action,
    },
    /// It was good until then: 401.
    #[error("the token has expired")]
    Expired,
}

/// What is kept of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// What it is called by.
    pub id: TokenId,
    /// What it is compared with.
    pub hash: TokenHash,
    /// Who has it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends to be good.
    pub expires: Option<Timestamp>,
    /// When it was last used, about.
    pub last_used: Option<Timestamp>,
}

impl Record {
    /// What is kept of this token, which is made now.
    #[must_use]
    pub fn new(token: &Token, name: String, role: Role, scope: Scope, expires: Option<Timestamp>) -> Self {
        let created = Timestamp::now();
        Self { id: token.id(), hash: token.hash(), name, role, scope, created, expires, last_used: None }
    }

    /// Whether this is the token.
    #[must_use]
    pub fn is_of(&self, token: &Token) -> bool {
        self.hash == token.hash()
    }

    /// Whether the token may do this now.
    ///
    /// # Errors
    /// Why not. What is another tenant's is hidden whatever the role is.
    pub fn allows(&self, action: Action, matter: Matter<'_>, now: Timestamp) -> Result<(), Denied> {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(Denied::Expired);
        }
        if let Scope::Tenant(own) = &self.scope {
            match matter {
                Matter::OfTenant(other) | Matter::OfHostAbout(other) if other != own => return Err(Denied::Hidden),
                Matter::OfHost | Matter::OfHostAbout(_) => return Err(Denied::Scope),
                Matter::OfTenant(_) => {}
            }
        }
        if self.role.may(action) { Ok(()) } else { Err(Denied::Role { role: self.role, action }) }
    }

    /// It is used now: true if that is worth a write.
    pub fn touch(&mut self, now: Timestamp) -> bool {
        let stale = self.last_used.is_none_or(|last| now.duration_since(last) >= FRESH);
        if stale {
            self.last_used = Some(now);
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(role: Role, scope: Scope) -> (Token, Record) {
        let token = Token::generate().expect("random bits");
        let record = Record::new(&token, "ann".to_owned(), role, scope, None);
        (token, record)
    }

    #[test]
    fn neither_token_nor_hash_is_in_what_a_log_gets_nor_the_token_in_the_store() {
        let (token, record) = record(Role::Reader, Scope::Tenant("shop".to_owned()));
        let stored = serde_json::to_string(&record).expect("text");
        for shown in [format!("{token:?}"), format!("{record:?}"), stored.clone()] {
            assert!(!shown.contains(token.reveal()), "{shown}");
        }
        let hash = String::from(token.hash());
        assert!(!format!("{record:?}").contains(&hash));
        let read: Record = serde_json::from_str(&stored).expect("a record");
        assert!(stored.contains(&hash) && read.is_of(&token) && read.scope == record.scope, "{stored}");
        assert!(serde_json::from_str::<Record>(&stored.replace(&hash, "00")).is_err());
    }

    #[test]
    fn another_tenants_things_are_hidden_and_not_forbidden() {
        let now = Timestamp::now();
        let (_, deliverer) = record(Role::Deliverer, Scope::Tenant("shop".to_owned()));
        assert_eq!(deliverer.allows(Action::Deliver, Matter::OfTenant("shop"), now), Ok(()));
        for matter in [Matter::OfTenant("bank"), Matter::OfHostAbout("bank")] {
            for action in [Action::Deliver, Action::Manage] {
                assert_eq!(deliverer.allows(action, matter, now), Err(Denied::Hidden));
            }
        }
        let role = Denied::Role { role: Role::Deliverer, action: Action::Read };
        assert_eq!(deliverer.allows(Action::Read, Matter::OfTenant("shop"), now), Err(role));
    }

    #[test]
    fn what_the_host_decides_about_a_tenant_its_owner_does_not() {
        let now = Timestamp::now();
        let (_, owner) = record(Role::Owner, Scope::Tenant("shop".to_owned()));
        assert_eq!(owner.allows(Action::Manage, Matter::OfTenant("shop"), now), Ok(()));
        assert_eq!(owner.allows(Action::Manage, Matter::OfHostAbout("shop"), now), Err(Denied::Scope));
        assert_eq!(owner.allows(Action::Read, Matter::OfHost, now), Err(Denied::Scope));
        let (_, host) = record(Role::Owner, Scope::Host);
        for matter in [Matter::OfHost, Matter::OfHostAbout("shop"), Matter::OfTenant("bank")] {
            assert_eq!(host.allows(Action::Manage, matter, now), Ok(()));
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_its_use_is_noted_once_a_minute() {
        let now = Timestamp::now();
        let (_, mut record) = record(Role::Reader, Scope::Host);
        record.expires = Some(now + SignedDuration::from_secs(1));
        assert_eq!(record.allows(Action::Read, Matter::OfHost, now), Ok(()));
        let then = now + SignedDuration::from_secs(1);
        assert_eq!(record.allows(Action::Read, Matter::OfHost, then), Err(Denied::Expired));
        let uses = [0, 59, 60, 61].map(|second| record.touch(now + SignedDuration::from_secs(second)));
        assert_eq!(uses, [true, false, true, false]);
    }
}
