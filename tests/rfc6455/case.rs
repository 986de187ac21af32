//! What a case is, and the words that cases are written in: what the client says, and what it then hears.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{bail, ensure};

use crate::peer::{Frame, Peer};
use crate::stage::{Door, Stage};

/// The first bytes of frames that are whole messages, and of control frames.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// The first bytes of fragments: those that begin a message, that go on with it, and that end it.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const GOES_ON: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

/// The mask of section 5.7.
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

type Played = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// One case.
pub(crate) struct Case {
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) door: Door,
    play: Play,
}

enum Play {
    Script(Vec<Step>),
    Story(fn(Arc<Stage>) -> Played),
    Asked(Box<dyn FnOnce(Arc<Stage>) -> Played + Send>),
}

/// One step of a client of the echo.
#[derive(Clone)]
pub(crate) enum Step {
    /// It sends these bytes, all at once.
    Say(Vec<u8>),
    /// It sends these bytes one by one.
    Spell(Vec<u8>),
    /// It gets this frame next.
    Hear(u8, Vec<u8>),
    /// It gets a Close frame with this code and no reason, and then the stream ends.
    Fails(u16),
    /// The stream ends.
    Over,
}

/// A client of the echo. If the last step does not end the connection it is closed as it should be, which shows that it was still good.
pub(crate) fn script(section: &'static str, name: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    Case { section, name: name.into(), door: Door::Plain, play: Play::Script(steps.into()) }
}

/// What is told in full.
pub(crate) fn story(section: &'static str, name: &str, door: Door, play: fn(Arc<Stage>) -> Played) -> Case {
    Case { section, name: name.to_owned(), door, play: Play::Story(play) }
}

/// The same, from a table.
pub(crate) fn asked(
    section: &'static str,
    name: impl Into<String>,
    door: Door,
    play: impl FnOnce(Arc<Stage>) -> Played + Send + 'static,
) -> Case {
    Case { section, name: name.into(), door, play: Play::Asked(Box::new(play)) }
}

impl Case {
    /// The same on another host.
    pub(crate) fn at(self, door: Door) -> Self {
        Self { door, ..self }
    }

    pub(crate) fn play(self, stage: Arc<Stage>) -> Played {
        match self.play {
            Play::Story(play) => play(stage),
            Play::Asked(play) => play(stage),
            Play::Script(steps) => Box::pin(async move {
                let mut peer = stage.connect(self.door).await?;
                perform(&mut peer, steps).await
            }),
        }
    }
}

/// Goes through the steps, and ends the connection if they do not.
pub(crate) async fn perform(peer: &mut Peer, steps: Vec<Step>) -> anyhow::Result<()> {
    let ends = matches!(steps.last(), Some(Step::Fails(_) | Step::Over));
    for step in steps {
        match step {
            Step::Say(bytes) => peer.say(&bytes).await?,
            Step::Spell(bytes) => peer.spell(&bytes).await?,
            Step::Hear(first, payload) => hears(peer, first, &payload).await?,
            Step::Fails(code) => {
                hears(peer, CLOSE, &code.to_be_bytes()).await?;
                over(peer).await?;
            }
            Step::Over => over(peer).await?,
        }
    }
    if ends { Ok(()) } else { farewell(peer).await }
}

/// The next frame is this one.
pub(crate) async fn hears(peer: &mut Peer, first: u8, payload: &[u8]) -> anyhow::Result<()> {
    let wanted = Frame { first, payload: payload.to_vec() };
    match peer.frame().await? {
        Some(frame) if frame == wanted => Ok(()),
        Some(frame) => bail!("{frame:?} instead of {wanted:?}"),
        None => bail!("the end of the stream instead of {wanted:?}"),
    }
}

/// The stream ends, and nothing comes before.
pub(crate) async fn over(peer: &mut Peer) -> anyhow::Result<()> {
    let frame = peer.frame().await?;
    ensure!(frame.is_none(), "{frame:?} instead of the end of the stream");
    Ok(())
}

/// The client says Close; the answer has the same code, and the host ends the stream (sections 5.5.1 and 7.1.1).
pub(crate) async fn farewell(peer: &mut Peer) -> anyhow::Result<()> {
    peer.say(&message(CLOSE, &1000_u16.to_be_bytes())).await?;
    hears(peer, CLOSE, &1000_u16.to_be_bytes()).await?;
    over(peer).await
}

/// A masked frame with the shortest head.
pub(crate) fn message(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, payload.len());
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The head alone, of a frame with a payload of this length.
pub(crate) fn head(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes
}

/// Some of a frame: its head, which announces this many bytes, and the first of them.
pub(crate) fn begun(first: u8, length: usize, payload: &[u8]) -> Vec<u8> {
    let mut bytes = message(first, payload);
    let skipped = head(first, payload.len()).len();
    bytes.splice(..skipped, head(first, length));
    bytes
}

/// The payload of a Close frame.
pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_ref()].concat()
}

pub(crate) fn say(first: u8, payload: impl AsRef<[u8]>) -> Step {
    Step::Say(message(first, payload.as_ref()))
}

pub(crate) fn hear(first: u8, payload: impl AsRef<[u8]>) -> Step {
    Step::Hear(first, payload.as_ref().to_vec())
}

pub(crate) fn fails(code: u16) -> Step {
    Step::Fails(code)
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 40;
        let shown = self.payload.get(..SHOWN).unwrap_or(&self.payload).escape_ascii();
        write!(f, "frame {:02x} of {} bytes: {shown}", self.first, self.payload.len())
    }
}
