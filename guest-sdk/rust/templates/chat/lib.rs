//! A chat with rooms: the path is the room, `?name=` says who somebody is, and what is said is broadcast to the room. The plugin keeps
//! no list of anybody: the host knows who is connected where.

use holdline_guest::{Handler, Message, Request, Result, broadcast};
use serde_json::json;

struct Plugin;

impl Handler for Plugin {
    fn message(request: &Request, message: Message) -> Result<()> {
        let Some(text) = message.as_text() else { return Ok(request.send_json(&json!({"error": "say it as text"}))?) };
        let said = Message::from_json(&json!({"from": name(&request.query()), "text": text}))?;
        broadcast::to_path(&request.path(), said)?;
        Ok(())
    }
}

holdline_guest::export!(Plugin: Handler);

/// Who somebody is, as the query says it.
fn name(query: &str) -> &str {
    query.split('&').find_map(|pair| pair.strip_prefix("name=")).filter(|name| !name.is_empty()).unwrap_or("somebody")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_who_it_is() {
        assert_eq!(name("room=1&name=Ann"), "Ann");
        assert_eq!(name(""), "somebody");
    }
}
