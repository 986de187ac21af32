//! A program as the guest that plays it reads it: calls, and what their arguments point to. `guests/player.wat` says how it is written.

/// Where a program lies, as the guest knows it.
const PLACE: usize = 0x10_0000;

/// Where its data lie, behind the room for its calls.
const DATA: usize = PLACE + ROOM;
const ROOM: usize = 8192;

/// So many values that go from one place to another fit into that room beside the calls.
const MOST_MOVES: usize = 24;

/// What a program begins with that is played at once, or when the connection closes.
pub(crate) const NOW: u32 = 0x5941_4c50;
pub(crate) const AT_CLOSE: u32 = 0x4b45_4550;

/// An argument.
#[derive(Clone, Copy)]
pub(crate) enum Argument {
    Is(u64),
    /// What is there, in so many bytes.
    Four(usize),
    Eight(usize),
    /// What is there in the instance that hands the program over.
    Given(usize),
    Request,
}

/// What stands somewhere and is to stand elsewhere, too: so many bytes behind the beginning of a list.
pub(crate) struct Move {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: u32,
}

/// The imports that are none: four bytes, or eight, go from one place to another.
pub(crate) const MOVE_FOUR: u32 = 0xffff;
pub(crate) const MOVE_EIGHT: u32 = 0xfffe;

pub(crate) struct Call {
    pub(crate) import: u32,
    pub(crate) guard: usize,
    pub(crate) result: usize,
    pub(crate) arguments: Vec<Argument>,
}

/// A program that is being written.
pub(crate) struct Page {
    pub(crate) calls: Vec<Call>,
    data: Vec<u8>,
    pub(crate) moves: usize,
    pub(crate) making: usize,
    // Of the call that is being written.
    pub(crate) guard: usize,
    // How much was known before it that only who hands it over has.
    pub(crate) given: Option<usize>,
}

impl Page {
    /// Nothing yet.
    pub(crate) fn new(given: Option<usize>) -> Self {
        Self { calls: Vec::new(), data: vec![0; 8], moves: 0, making: 0, guard: 0, given }
    }

    /// Puts bytes where each type may stand, and says where that is.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        let at = self.data.len();
        self.data.extend_from_slice(bytes);
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        DATA + at
    }

    /// Has a value go elsewhere before the call that is being written.
    pub(crate) fn move_value(&mut self, from: usize, to: usize, kind: u32) {
        if self.moves < MOST_MOVES {
            self.moves += 1;
            let value = if kind == MOVE_FOUR { Argument::Four(from) } else { Argument::Eight(from) };
            self.calls.push(Call {
                import: kind,
                guard: 0,
                result: 0,
                arguments: vec![Argument::Is(to as u64), value],
            });
        }
    }

    /// The whole program, and what goes into it from the memory of who hands it over.
    pub(crate) fn bytes(&self, magic: u32) -> (Vec<u8>, Vec<Move>) {
        let (mut bytes, mut moves) = (Vec::with_capacity(ROOM + self.data.len()), Vec::new());
        bytes.extend(magic.to_le_bytes());
        bytes.extend((self.calls.len() as u32).to_le_bytes());
        for call in &self.calls {
            for word in [call.import, call.guard as u32, call.result as u32, call.arguments.len() as u32] {
                bytes.extend(word.to_le_bytes());
            }
            for argument in &call.arguments {
                let (kind, value) = match *argument {
                    Argument::Is(value) => (0, value),
                    Argument::Four(at) => (1, at as u64),
                    Argument::Eight(at) => (2, at as u64),
                    Argument::Request => (3, 0),
                    Argument::Given(from) => {
                        moves.push(Move { from, to: bytes.len() + 8, kind: MOVE_EIGHT });
                        (0, 0)
                    }
                };
                bytes.extend(u64::to_le_bytes(kind));
                bytes.extend(value.to_le_bytes());
            }
        }
        assert!(bytes.len() <= ROOM, "there is room for {ROOM} bytes of calls, and not for {}", bytes.len());
        bytes.resize(ROOM, 0);
        bytes.extend_from_slice(&self.data);
        (bytes, moves)
    }
}
