//! The one thread that writes. Those who write at the same time share a transaction, and with it the wait for the disk: it takes
//! what is queued, commits once, and answers all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::error::{OpenError, StoreError};
use super::tables::Tables;

/// How many changes may wait; who comes later waits for a place. Tenants have a bound of their own below it.
const QUEUE: usize = 256;

/// What one asks for. It looks first and changes then: a change that is refused must have changed nothing, because the others of its
/// transaction are committed.
type Change<T> = Box<dyn FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send>;

/// A change whose kind of answer does not matter to the writer.
trait Job: Send {
    /// Changes the tables. An error is trouble: the whole transaction is over.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError>;

    /// Answers, when the transaction is on the disk or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiting<T> {
    change: Option<Change<T>>,
    outcome: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Job for Waiting<T> {
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        if let Some(change) = self.change.take() {
            self.outcome = change(tables);
        }
        match &self.outcome {
            Err(error) if error.is_trouble() => Err(error.clone()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Whoever has gone does not want to know.
        let _gone = self.reply.send(committed.and(self.outcome));
    }
}

/// The way to the thread that writes.
pub(super) struct Writer {
    // None when it is dropped: the thread ends when nobody can ask any more.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(database: Arc<Database>) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || run(&database, jobs));
        Ok(Self { queue: Some(queue), thread: Some(thread.map_err(OpenError::Thread)?) })
    }

    /// Makes a change. It is on the disk when this returns; if this is given up before, it may be or not.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Waiting { change: Some(Box::new(change)), outcome: Err(StoreError::Interrupted), reply };
        let queue = self.queue.as_ref().ok_or(StoreError::Interrupted)?;
        queue.send(Box::new(job)).await.map_err(|_| StoreError::Interrupted)?;
        answer.await.unwrap_or(Err(StoreError::Interrupted))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        // What is queued is still written: at most one more commit is waited for, and then the folder is free for another host.
        if let Some(thread) = self.thread.take() {
            let _has_ended = thread.join();
        }
    }
}

fn run(database: &Database, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < QUEUE
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        let written = catch_unwind(AssertUnwindSafe(|| {
            database.write(|tables| batch.iter_mut().try_for_each(|job| job.apply(tables)))
        }));
        let written = written.unwrap_or(Err(StoreError::Interrupted));
        for job in batch {
            job.answer(written.clone());
        }
    }
}
