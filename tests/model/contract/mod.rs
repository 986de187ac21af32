//! What the contract promises of a held connection, of channels and of timers: one test for each sentence that the hub alone can
//! show.

mod channels;
mod confirm;
mod deadlines;
mod delayed;
mod deliveries;
mod outbox;
mod outlet;
mod retention;
mod select;
mod timers;
mod waiting;
