//! Request and reply: a client asks in JSON, a channel handler answers by the handle, and every reply has the id of
//! its request.
//!
//! Whatever becomes of a question, its client hears of it: the answer, a refusal, or, when whoever had the question is
//! gone, the message of the deadline.

use std::time::Duration;

use holdline_guest::{
    Channel, ChannelError, ChannelHandler, DelayedWebSocket, Expiry, Handler, Message, Request, Result, RetainOptions,
    WebSocketHandle, timers,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The way from the handler to the channel handler. The manifest says how many may wait there.
const CHANNEL: &str = "questions";

/// Longer than a question can wait behind all the others that fit into the channel.
const DEADLINE: Duration = Duration::from_secs(10);

/// Stands for the work that an answer takes.
const THINKING: Duration = Duration::from_millis(100);

/// What a client sends. Its id may be anything that JSON can say.
#[derive(Deserialize)]
struct Question {
    id: Value,
    question: String,
}

/// What goes over the channel.
#[derive(Serialize, Deserialize)]
struct Item {
    handle: WebSocketHandle,
    id: Value,
    question: String,
}

struct Ask;

impl Handler for Ask {
    fn message(request: &Request, message: Message) -> Result<()> {
        let Ok(Question { id, question }) = message.json() else {
            return Ok(request.send_json(&failure(&Value::Null, "invalid"))?);
        };
        let expiry = Expiry::Send(Message::from_json(&failure(&id, "deadline"))?);
        let handle = request.retain_web_socket_with(RetainOptions::new().deadline(DEADLINE).on_expiry(expiry))?;
        let item = Item { handle, id, question };
        match Channel::lookup(CHANNEL)?.offer_json(&item) {
            Err(ChannelError::Full) => Ok(DelayedWebSocket::new(handle).send_json(&failure(&item.id, "overloaded"))?),
            offered => Ok(offered?),
        }
    }
}

impl ChannelHandler for Ask {
    fn item(_channel: &str, item: &[u8]) -> Result<()> {
        let Item { handle, id, question } = serde_json::from_slice(item)?;
        timers::sleep(THINKING);
        let reply = match sum(&question) {
            Some(sum) => json!({"id": id, "answer": sum}),
            None => failure(&id, "not-a-sum"),
        };
        // The host logs an error, and there is nothing else to do: the client has left, or has the deadline's message.
        Ok(DelayedWebSocket::new(handle).send_json(&reply)?)
    }
}

holdline_guest::export!(Ask: Handler, ChannelHandler);

fn failure(id: &Value, error: &str) -> Value {
    json!({"id": id, "error": error})
}

/// The answer to a question such as `2 + 3`, if it is one and has one.
fn sum(question: &str) -> Option<i64> {
    question.split('+').try_fold(0_i64, |sum, number| sum.checked_add(number.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_answered() {
        assert_eq!(sum("2 + 3"), Some(5));
        assert_eq!(sum("1+-1+40"), Some(40));
    }

    #[test]
    fn what_is_no_sum_has_no_answer() {
        assert_eq!(sum("what is love?"), None);
        assert_eq!(sum(""), None);
        assert_eq!(sum("9223372036854775807 + 1"), None);
    }

    #[test]
    fn an_id_is_given_back_as_it_came() {
        let asked: Result<Question, _> = Message::from(r#"{"id": {"tab": 2, "n": 7}, "question": "1"}"#).json();

        let told = asked.map(|asked| failure(&asked.id, "overloaded").to_string());

        assert!(matches!(told.as_deref(), Ok(r#"{"error":"overloaded","id":{"n":7,"tab":2}}"#)));
    }

    #[test]
    fn a_question_without_an_id_is_invalid() {
        assert!(Message::from(r#"{"question": "1 + 1"}"#).json::<Question>().is_err());
    }
}
