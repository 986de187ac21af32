//! Compiling in a process of its own, so that a component that would take for ever, all memory or the compiler's stack harms nobody
//! who is served.
//!
//! The program is this one: what it writes is trusted as what this process would have made itself. It does not know what a
//! component is for.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytesize::ByteSize;
use parking_lot::Mutex;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, nice, setrlimit};

use super::component::make;
use super::{EngineError, Settings, config};

/// The name of the command that compiles what is on its standard input.
pub(crate) const COMMAND: &str = "compile";

/// The most of what the compiler says about a component that is kept.
const LONGEST_WORD: u64 = 16 << 10;

/// It computes after everybody else, so on a busy machine it may last this many times as long as it may compute.
const PATIENCE: u32 = 5;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refuses it.
    #[error("{0}")]
    Refused(String),
    /// It was killed because its computing time was over.
    #[error("compiling it took longer than {0:?}")]
    TooLong(Duration),
    /// It died of the component: of its size, or of its depth.
    #[error("the compiler died of it ({status}); it may have {memory} of memory{}", if said.is_empty() { String::new() } else { format!(", and said: {said}") })]
    Died {
        /// How.
        status: ExitStatus,
        /// What it may use.
        memory: ByteSize,
        /// Its last words.
        said: String,
    },
    /// It could not be run, or not be heard.
    #[error("the compiler could not be run")]
    Unheard(#[from] io::Error),
}

/// The program that compiles, and its bounds.
pub(super) struct Compiler {
    program: PathBuf,
    time: Duration,
    memory: ByteSize,
    // What decides over the code beside the component.
    instance_memory: ByteSize,
    // One takes all cores already.
    one_at_a_time: Mutex<()>,
}

impl Compiler {
    /// The one of these settings, if they name one.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        Some(Self {
            program: settings.compiler.clone()?,
            time: settings.compile_timeout,
            memory: settings.compile_memory,
            instance_memory: settings.memory,
            one_at_a_time: Mutex::new(()),
        })
    }

    /// The machine code of a component.
    pub(super) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let _one_at_a_time = self.one_at_a_time.lock();
        let mut child = Command::new(&self.program)
            .arg(COMMAND)
            .args(["--instance-memory", &self.instance_memory.as_u64().to_string()])
            .args(["--memory", &self.memory.as_u64().to_string()])
            .args(["--seconds", &self.time.as_secs().saturating_add(1).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let heard = self.hear(&mut child, component);
        let status = child.wait()?;
        let (code, said, end) = heard?;
        match end {
            End::OutOfTime => Err(CompileError::TooLong(self.time)),
            End::Itself if status.signal() == Some(Signal::XCPU.as_raw()) => Err(CompileError::TooLong(self.time)),
            End::Itself if status.success() => Ok(code),
            End::Itself if status.code() == Some(1) => {
                // The program says on a terminal that it is an error.
                Err(CompileError::Refused(said.strip_prefix("error: ").unwrap_or(&said).to_owned()))
            }
            End::Itself => Err(CompileError::Died { status, memory: self.memory, said }),
        }
    }

    /// Gives it the component, and takes what it writes until it has ended; by itself or because it is killed. It is not waited for
    /// here, so that its number is not another process's when it is killed.
    fn hear(&self, child: &mut Child, component: &[u8]) -> io::Result<(Vec<u8>, String, End)> {
        let missing = || io::Error::other("the compiler has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let mut stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let process = Pid::from_child(child);
        let (ended, end) = mpsc::sync_channel::<()>(1);
        thread::scope(|scope| {
            scope.spawn(move || give(stdin, component));
            let words = scope.spawn(move || listen(stderr));
            let time = self.time.saturating_mul(PATIENCE);
            let end = scope.spawn(move || watch(process, time, &end));
            let mut code = Vec::new();
            let read = stdout.read_to_end(&mut code);
            let said = words.join().unwrap_or_default();
            drop(ended);
            let end = end.join().unwrap_or(End::OutOfTime);
            read.map(|_| (code, said, end))
        })
    }
}

/// How the compiler has ended.
enum End {
    Itself,
    OutOfTime,
}

fn give(mut stdin: ChildStdin, component: &[u8]) {
    // One that has died does not read to the end, and how it died is seen by its status.
    let _unread = stdin.write_all(component);
}

fn listen(stderr: impl Read) -> String {
    let mut said = Vec::new();
    let mut most = stderr.take(LONGEST_WORD);
    let _cut_off = most.read_to_end(&mut said);
    // The rest is not kept, but it has to be taken.
    let _rest = io::copy(&mut most.into_inner(), &mut io::sink());
    String::from_utf8_lossy(&said).trim().to_owned()
}

fn watch(process: Pid, time: Duration, end: &Receiver<()>) -> End {
    match end.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => {
            // If it has ended in this moment there is nobody to be killed.
            let _ended = kill_process(process, Signal::KILL);
            End::OutOfTime
        }
        Ok(()) | Err(RecvTimeoutError::Disconnected) => End::Itself,
    }
}

/// Why the compiling process gives up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// Its engine is not there.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It does not get its component, or cannot hand over its code.
    #[error(transparent)]
    Pipe(#[from] io::Error),
    /// The component cannot be compiled.
    #[error("{0:#}")]
    Refused(wasmtime::Error),
}

/// What the compiling process does: reads a component, and writes its machine code; within these bounds, and after everybody else
/// who wants a core.
///
/// # Errors
/// Says why there is no code.
pub(crate) fn compile_here(
    instance_memory: ByteSize,
    memory: ByteSize,
    seconds: u64,
    mut from: impl Read,
    mut to: impl Write,
) -> Result<(), ProcessError> {
    // What is not bounded here the parent ends.
    let _as_it_is = nice(10);
    // One instance, which is never made: the settings of the pool are a part of what decides over the code.
    let settings = Settings { instances: 1, memory: instance_memory, ..Settings::default() };
    let engine = wasmtime::Engine::new(&config(&settings)).map_err(|source| EngineError::Setup {
        instances: settings.instances,
        memory: settings.memory,
        source,
    })?;
    let mut component = Vec::new();
    from.read_to_end(&mut component)?;
    // Address space is reserved for the pool already, and does not count.
    let limit = address_space()?.saturating_add(memory.as_u64());
    setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: Some(limit) }).map_err(io::Error::from)?;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let cpu = seconds.saturating_mul(cores);
    // Of the two, the first tells it by a signal that the parent knows.
    let rlimit = Rlimit { current: Some(cpu), maximum: Some(cpu.saturating_add(1)) };
    setrlimit(Resource::Cpu, rlimit).map_err(io::Error::from)?;
    let code = make(&engine, &component).and_then(|component| component.serialize());
    Ok(to.write_all(&code.map_err(ProcessError::Refused)?)?)
}

/// How much address space this process has.
fn address_space() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().next().and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}
