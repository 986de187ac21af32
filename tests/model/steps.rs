//! What can be done to one connection and its handles, in every order.

use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, option, prop_oneof};

/// One step of a random sequence. A step that the door would not take in the state at hand is left out by the model and the hub
/// alike.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The client sends a message.
    ClientSays,
    /// The client goes away.
    ClientLeaves,
    /// The next event begins, if its turn has come: a message's or the close event.
    Begin,
    /// The event under way returns.
    Finish(Result<(), ()>),
    Retain(Option<u64>, Policy),
    Reply(usize),
    ReplyClose,
    Send(Which, usize, Confirm),
    Push(Which, usize, Confirm),
    Close(Which),
    Release(Which),
    Extend(Which, u64),
    SendAfter(Which, usize, u64),
    /// Of the deliveries so far the one this far back, as the tenant or as its neighbour.
    Cancel(usize, By),
    /// Milliseconds pass.
    Pass(u64),
    /// The socket takes a frame.
    Write,
    Broadcast(usize),
    HostCloses,
    SlowConsumer,
    Drain,
}

/// What is to happen at the deadline.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    Resume,
    Close(u16),
    Send(Vec<u8>),
}

/// A handle to try.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// Of those given out so far the one this far back.
    Back(usize),
    /// The same, tried by another tenant.
    Foreign(usize),
    /// A number of one's own making.
    Guessed(u64),
}

/// The same, looked up: one of those given out, or what is nobody's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    Given(usize),
    Nobodys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirm {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Tenant,
    Neighbour,
}

/// A sequence of steps. Those that lead to a held connection are the most frequent, those that end it the least.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    collection::vec(step(), 1..80)
}

fn step() -> impl Strategy<Value = Step> {
    let life = prop_oneof![
        6 => Just(Step::ClientSays),
        8 => Just(Step::Begin),
        8 => Just(Step::Finish(Ok(()))),
        9 => (option::of(milliseconds()), policy()).prop_map(|(deadline, policy)| Step::Retain(deadline, policy)),
        4 => milliseconds().prop_map(Step::Pass),
        4 => Just(Step::Write),
    ];
    let handle = prop_oneof![
        2 => (which(), size(), confirm()).prop_map(|(which, size, confirm)| Step::Send(which, size, confirm)),
        4 => (which(), size(), confirm()).prop_map(|(which, size, confirm)| Step::Push(which, size, confirm)),
        1 => which().prop_map(Step::Close),
        2 => which().prop_map(Step::Release),
        2 => (which(), milliseconds()).prop_map(|(which, deadline)| Step::Extend(which, deadline)),
        4 => (which(), size(), milliseconds()).prop_map(|(which, size, delay)| Step::SendAfter(which, size, delay)),
        4 => (0..3_usize, by()).prop_map(|(back, by)| Step::Cancel(back, by)),
    ];
    let rest = prop_oneof![
        8 => size().prop_map(Step::Reply),
        8 => size().prop_map(Step::Broadcast),
        1 => Just(Step::ReplyClose),
        2 => Just(Step::ClientLeaves),
        2 => Just(Step::Finish(Err(()))),
        1 => Just(Step::HostCloses),
        1 => Just(Step::SlowConsumer),
        1 => Just(Step::Drain),
    ];
    prop_oneof![10 => life, 6 => handle, 2 => rest]
}

/// Around the deadlines and delays of the model, the ends of its ranges included.
fn milliseconds() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..100_u64, 1 => 100..250_u64, 1 => prop_oneof![Just(0), Just(200), Just(201)]]
}

/// Around the limits of the model.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..=40_usize, 1 => 41..45_usize]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        4 => Just(Policy::Resume),
        1 => Just(Policy::Close(4000)),
        2 => size().prop_map(|size| Policy::Send(vec![b'x'; size])),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        10 => Just(Which::Back(0)),
        2 => (1..4_usize).prop_map(Which::Back),
        1 => (0..2_usize).prop_map(Which::Foreign),
        1 => prop_oneof![Just(0), any::<u64>()].prop_map(Which::Guessed),
    ]
}

fn confirm() -> impl Strategy<Value = Confirm> {
    prop_oneof![Just(Confirm::Yes), Just(Confirm::No)]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![5 => Just(By::Tenant), 1 => Just(By::Neighbour)]
}
