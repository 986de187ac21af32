//! The PROXY header with which a proxy says, before anything else, whose connection it passes on: versions 1 and 2 of the protocol as
//! HAProxy has published it. Nothing that follows it is read.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// What version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, with its end.
const MAX_LINE: usize = 107;

/// The least of it: `PROXY UNKNOWN` and its end.
const MIN_LINE: usize = 15;

/// What may follow the first 16 bytes of version 2: addresses, and what else a proxy has to say. Those that are in use send a few hundred
/// bytes.
const MAX_REST: usize = 4096;

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrefaceError {
    /// It is none.
    #[error("its PROXY header is wrong: {0}")]
    Malformed(&'static str),
    /// The connection ended.
    #[error("it ended before its PROXY header did")]
    Ended(#[source] io::Error),
}

/// How far the header is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// So many more bytes are the header's in any case.
    Needs(usize),
    /// It is all there. It may name nobody: then the proxy speaks for itself.
    Is(Option<SocketAddr>),
}

/// Reads the header, and not one byte more.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, PrefaceError> {
    let mut header = Vec::new();
    loop {
        match parse(&header)? {
            Progress::Is(address) => return Ok(address),
            Progress::Needs(more) => {
                let known = header.len();
                header.resize(known + more, 0);
                let room = header.get_mut(known..).unwrap_or_default();
                stream.read_exact(room).await.map_err(PrefaceError::Ended)?;
            }
        }
    }
}

fn parse(header: &[u8]) -> Result<Progress, PrefaceError> {
    let Some((begin, rest)) = header.split_first_chunk::<12>() else {
        return Ok(Progress::Needs(12 - header.len()));
    };
    if begin == SIGNATURE {
        return parse_binary(rest);
    }
    if begin.starts_with(b"PROXY ") {
        return parse_line(header);
    }
    Err(PrefaceError::Malformed("it is neither of version 1 nor of version 2"))
}

/// Version 1: a line of text.
fn parse_line(header: &[u8]) -> Result<Progress, PrefaceError> {
    let Some(line) = header.strip_suffix(b"\r\n") else {
        // Two bytes at a time: the end of the line has two, and what comes after it is not to be read.
        let more = if header.len() < MIN_LINE { MIN_LINE - header.len() } else { 2 };
        let more = if header.ends_with(b"\r") { 1 } else { more };
        return if header.len() + more > MAX_LINE || header.contains(&b'\n') {
            Err(PrefaceError::Malformed("its line has no end"))
        } else {
            Ok(Progress::Needs(more))
        };
    };
    let line = std::str::from_utf8(line).map_err(|_| PrefaceError::Malformed("its line is no text"))?;
    let mut words = line.split(' ').skip(1);
    let address: fn(&str) -> Option<IpAddr> = match words.next() {
        Some("UNKNOWN") => return Ok(Progress::Is(None)),
        Some("TCP4") => |word| word.parse().ok().map(IpAddr::V4),
        Some("TCP6") => |word| word.parse().ok().map(IpAddr::V6),
        _ => return Err(PrefaceError::Malformed("its protocol is neither TCP4 nor TCP6 nor UNKNOWN")),
    };
    let mut next = || words.next().unwrap_or_default();
    let (source, target, source_port, target_port) = (next(), next(), next(), next());
    let source = match (address(source), address(target), port(source_port), port(target_port), words.next()) {
        (Some(source), Some(_), Some(port), Some(_), None) => SocketAddr::new(source, port),
        _ => return Err(PrefaceError::Malformed("its line has not two addresses and two ports")),
    };
    Ok(Progress::Is(Some(source)))
}

fn port(word: &str) -> Option<u16> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

/// Version 2, after its signature: the command, the kind of the addresses, the length of what follows, and that.
fn parse_binary(header: &[u8]) -> Result<Progress, PrefaceError> {
    let Some(([command, kind, high, low], rest)) = header.split_first_chunk::<4>() else {
        return Ok(Progress::Needs(4 - header.len()));
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > MAX_REST {
        return Err(PrefaceError::Malformed("it is longer than 4 KiB"));
    }
    if rest.len() < length {
        return Ok(Progress::Needs(length - rest.len()));
    }
    let short = PrefaceError::Malformed("its addresses are cut off");
    match (command, kind) {
        // The proxy's own connection, as those that look whether the host is there.
        (0x20, _) => Ok(Progress::Is(None)),
        (0x21, 0x11) => {
            let (source, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
            Ok(Progress::Is(Some(named(IpAddr::V4(Ipv4Addr::from(*source)), rest, 4)?)))
        }
        (0x21, 0x21) => {
            let (source, rest) = rest.split_first_chunk::<16>().ok_or(short)?;
            Ok(Progress::Is(Some(named(IpAddr::V6(Ipv6Addr::from(*source)), rest, 16)?)))
        }
        // What is no TCP, but a stream: a client on the proxy's own machine, or one that it cannot name.
        (0x21, 0x00 | 0x31) => Ok(Progress::Is(None)),
        (0x21, _) => Err(PrefaceError::Malformed("its addresses are not those of a stream")),
        _ => Err(PrefaceError::Malformed("its command is not one of version 2")),
    }
}

/// The source with its port, which stands behind the target of so many bytes.
fn named(source: IpAddr, rest: &[u8], target: usize) -> Result<SocketAddr, PrefaceError> {
    let ports = rest.get(target..).and_then(|ports| ports.first_chunk::<4>());
    let [high, low, ..] = ports.ok_or(PrefaceError::Malformed("its addresses are cut off"))?;
    Ok(SocketAddr::new(source, u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of these bytes, and what is left of them.
    async fn read_from(bytes: &[u8]) -> (Result<Option<SocketAddr>, PrefaceError>, Vec<u8>) {
        let mut stream = bytes;
        let read = read(&mut stream).await;
        (read, stream.to_vec())
    }

    fn binary(command: u8, kind: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
        [SIGNATURE.as_slice(), &[command, kind], &length, rest].concat()
    }

    fn four() -> Vec<u8> {
        [[192, 0, 2, 7], [10, 0, 0, 1], [0x1f, 0x90, 0, 80]].concat()
    }

    #[tokio::test]
    async fn a_header_names_the_client_and_ends_where_it_ends() {
        let long = format!("PROXY TCP6 {0} {0} 65535 65535", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        let six = [[0; 15].as_slice(), &[1], &[0; 16], &[0, 7, 0, 8], &[4, 0, 1, 9]].concat();
        for (header, client) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n".to_vec(), Some("192.0.2.7:8080")),
            (b"PROXY TCP6 2001:db8::7 ::1 8080 80\r\n".to_vec(), Some("[2001:db8::7]:8080")),
            (b"PROXY TCP6 :: :: 1 1\r\n".to_vec(), Some("[::]:1")),
            (format!("{long}\r\n").into_bytes(), Some("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN whatever it is\r\n".to_vec(), None),
            (binary(0x21, 0x11, &four()), Some("192.0.2.7:8080")),
            (binary(0x21, 0x21, &six), Some("[::1]:7")),
            (binary(0x20, 0x00, &[]), None),
            (binary(0x20, 0x11, &four()), None),
            (binary(0x21, 0x00, &[1; 4096]), None),
        ] {
            let (read, left) = read_from(&[&header[..], b"GET /"].concat()).await;
            assert_eq!(read.expect("a header"), client.map(|it| it.parse().expect("an address")), "{header:?}");
            assert_eq!(left, b"GET /", "{header:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_found_out() {
        let too_long = [SIGNATURE.as_slice(), &[0x21, 0x11, 0x10, 0x01]].concat();
        for bytes in [
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 8080\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7  10.0.0.1 8080 80\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 +8080 80\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 80800 80\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 1\r\n".to_vec(),
            b"PROXY UDP4 192.0.2.7 10.0.0.1 8080 80\r\n".to_vec(),
            b"PROXY UNKNOWN\nGET / HTTP/1.1\r\n\r\n".to_vec(),
            [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat(),
            binary(0x22, 0x11, &four()),
            binary(0x11, 0x11, &four()),
            binary(0x21, 0x12, &four()),
            binary(0x21, 0x11, &four()[..11]),
            binary(0x21, 0x21, &four()),
            too_long,
        ] {
            let (read, _) = read_from(&bytes).await;
            assert!(matches!(read, Err(PrefaceError::Malformed(_))), "{bytes:?}: {read:?}");
        }
    }

    #[tokio::test]
    async fn one_that_ends_too_early_is_found_out() {
        for header in [b"PROXY TCP4 192.0.2.7 10.0.0.1 8080 80\r\n".to_vec(), binary(0x21, 0x11, &four())] {
            for end in 0..header.len() {
                let (read, _) = read_from(&header[..end]).await;
                assert!(matches!(read, Err(PrefaceError::Ended(_))), "{end}: {read:?}");
            }
        }
    }
}
