//! What a plugin prints, without the C library's table of descriptors.
//!
//! That table knows files, sockets, pipes and terminals, none of which a plugin has here, and each of the nineteen imports that come with it would be
//! linked anew for each instance. The standard library prints through `write` and `writev`, and asks `getenv` how a panic is to be shown: these three are
//! here instead, and what the C library has in their place is not linked. The host gives plugins no environment, so there is nothing to
//! be found in it.
#![allow(unsafe_code, reason = "the C library's functions are called with its pointers")]

use std::ffi::{c_char, c_int, c_void};
use std::mem::forget;
use std::slice;
use std::sync::OnceLock;

use wasip2::cli::{stderr, stdout};
use wasip2::io::streams::OutputStream;

/// The most that a stream takes in one call (`wasi:io/streams`).
const MOST: usize = 4096;

/// `EBADF` of wasi-libc.
const BAD_DESCRIPTOR: c_int = 8;

/// `EIO` of wasi-libc.
const FAILED: c_int = 29;

/// A piece of what `writev` is given: `struct iovec`.
#[repr(C)]
struct Piece {
    bytes: *const u8,
    size: usize,
}

unsafe extern "C" {
    // One for the only thread that there is.
    static mut errno: c_int;
}

/// POSIX's `write`, for the two descriptors that there are.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(descriptor: c_int, bytes: *const c_void, size: usize) -> isize {
    let Some(stream) = stream(descriptor) else { return fail(BAD_DESCRIPTOR) };
    let size = size.min(MOST);
    if size == 0 {
        return 0;
    }
    // SAFETY: whoever calls it says that so many bytes are there.
    let bytes = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), size) };
    let written = stream.blocking_write_and_flush(bytes);
    let has_failed = written.is_err();
    // An error has a resource, and to drop it would be one more import, for what does not happen.
    forget(written);
    if has_failed { fail(FAILED) } else { isize::try_from(size).unwrap_or(isize::MAX) }
}

/// POSIX's `writev`: as much as `write` takes of the first piece that has something.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(descriptor: c_int, pieces: *const Piece, count: c_int) -> isize {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: whoever calls it says that so many pieces are there.
    let pieces = unsafe { slice::from_raw_parts(pieces, count) };
    match pieces.iter().find(|piece| piece.size > 0) {
        // SAFETY: and that each has so many bytes.
        Some(piece) => unsafe { write(descriptor, piece.bytes.cast(), piece.size) },
        None => 0,
    }
}

/// C's `getenv`, of an empty environment.
#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    std::ptr::null_mut()
}

fn stream(descriptor: c_int) -> Option<&'static OutputStream> {
    static OUTPUT: OnceLock<OutputStream> = OnceLock::new();
    static ERRORS: OnceLock<OutputStream> = OnceLock::new();
    match descriptor {
        1 => Some(OUTPUT.get_or_init(stdout::get_stdout)),
        2 => Some(ERRORS.get_or_init(stderr::get_stderr)),
        _ => None,
    }
}

fn fail(error: c_int) -> isize {
    // SAFETY: it is the C library's, and no other thread has it.
    unsafe { errno = error };
    -1
}
