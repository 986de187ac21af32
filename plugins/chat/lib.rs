//! A chat with rooms: the path is the room, the query says the name, and what happens in a room is broadcast to its
//! path.
//!
//! The plugin keeps no list of anybody: the host knows who is connected where.

use holdline_guest::{
    Acceptance, CloseInfo, ConnectHandler, Error, Handler, Message, Refusal, Request, Result, Upgrade, broadcast,
};
use serde_json::{Value, json};

/// As many characters as fit beside a line of text.
const LONGEST_NAME: usize = 32;

struct Chat;

impl ConnectHandler for Chat {
    fn connect(upgrade: Upgrade) -> Result<Acceptance, Refusal> {
        match name(&upgrade.query) {
            Some(name) => Ok(Acceptance::new().with_attachment(name)),
            None => {
                let why = format!("say who you are in at most {LONGEST_NAME} characters: ?name=Ann\n");
                Err(Refusal::new(400).with_header("content-type", "text/plain; charset=utf-8").with_body(why))
            }
        }
    }
}

impl Handler for Chat {
    fn open(request: &Request) -> Result<()> {
        announce(request, &json!({"joined": name_of(request)?}))
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        match message {
            Message::Text(text) => announce(request, &json!({"from": name_of(request)?, "text": text})),
            Message::Binary(_) => Ok(request.send_json(&json!({"error": "chat takes text"}))?),
        }
    }

    fn close(request: &Request, _info: CloseInfo) -> Result<()> {
        announce(request, &json!({"left": name_of(request)?}))
    }
}

holdline_guest::export!(Chat: ConnectHandler, Handler);

/// Tells everybody in the room, the one whose event this is included.
fn announce(request: &Request, news: &Value) -> Result<()> {
    broadcast::to_path(&request.path(), Message::from_json(news)?)?;
    Ok(())
}

/// The name that the connect handler put into the attachment.
fn name_of(request: &Request) -> Result<String> {
    String::from_utf8(request.attachment()).map_err(Error::new)
}

/// The name in the query, if there is one that can be shown.
fn name(query: &str) -> Option<String> {
    let (_, name) = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "name")?;
    let name = name.trim();
    let shown = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    shown.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_decoded() {
        assert_eq!(name("name=Ann").as_deref(), Some("Ann"));
        assert_eq!(name("room=1&name=Ann+Lee%20").as_deref(), Some("Ann Lee"));
        assert_eq!(name("name=J%C3%B6rg").as_deref(), Some("Jörg"));
    }

    #[test]
    fn who_has_no_name_to_show_has_none() {
        let long = format!("name={}", "x".repeat(LONGEST_NAME + 1));
        for query in ["", "name", "name=", "name=%20", "name=a%0Ab", "Name=Ann", long.as_str()] {
            assert_eq!(name(query), None, "{query}");
        }
    }
}
