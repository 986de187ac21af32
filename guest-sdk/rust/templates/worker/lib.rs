//! Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers a
//! second later. While the connection is held its next messages wait.

use std::time::Duration;

use holdline_guest::{Channel, DelayedWebSocket, Handler, Message, Request, Result, WebSocketHandle, Worker, timers};

struct Plugin;

impl Handler for Plugin {
    fn message(request: &Request, message: Message) -> Result<()> {
        let questions = Channel::open("questions", 100)?;
        let handle = request.retain_web_socket()?;
        Ok(questions.offer_json(&(handle, message.as_text().unwrap_or("something that is no text")))?)
    }
}

impl Worker for Plugin {
    fn run(_name: &str, _argument: &[u8]) -> Result<()> {
        let questions = Channel::open("questions", 100)?;
        loop {
            let (handle, text): (WebSocketHandle, String) = questions.receive_json()?;
            timers::sleep(Duration::from_secs(1));
            if let Err(error) = DelayedWebSocket::new(handle).send(answer(&text)) {
                // The client may have gone.
                println!("{handle}: {error}");
            }
        }
    }
}

holdline_guest::export!(Plugin: Handler, Worker);

fn answer(text: &str) -> String {
    format!("you said: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_what_was_asked() {
        assert_eq!(answer("hello"), "you said: hello");
    }
}
