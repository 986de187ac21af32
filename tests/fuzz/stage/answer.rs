//! What a host says in HTTP, read by other code than the host's: responses one after the other, until the end or an upgrade.

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, with names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that is there once at most.
    ///
    /// # Panics
    /// It is there twice.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_slice());
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }
}

/// All responses, and what follows an upgrade. Of requests that may be of the method HEAD, a response may have no body whatever it
/// says; then it is the last that is read.
///
/// # Panics
/// They are not well-formed.
pub fn answers(mut bytes: &[u8], may_be_head: bool) -> (Vec<Answer>, &[u8]) {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 200];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            other => panic!("no response: {other:?} of {}", String::from_utf8_lossy(bytes)),
        };
        bytes = &bytes[length..];
        let status = response.code.expect("a status");
        assert!(matches!(status, 100..=599), "{status} is no status");
        let headers = response.headers.iter().map(|it| (it.name.to_ascii_lowercase(), it.value.to_vec())).collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        let size = answer.header("content-length").map(|size| {
            let size = std::str::from_utf8(size).expect("a number");
            size.parse::<usize>().expect("a number")
        });
        let is_chunked = answer.header("transfer-encoding").is_some();
        assert!(!(is_chunked && size.is_some()), "two lengths: {answer:?}");
        if status == 101 {
            answers.push(answer);
            return (answers, bytes);
        }
        let has_none = status < 200 || matches!(status, 204 | 304);
        match size {
            _ if has_none => {}
            Some(_) if may_be_head => {
                answers.push(answer);
                return (answers, &[]);
            }
            // Who has ended its side of the stream need not be told all.
            Some(size) => {
                (answer.body, bytes) = {
                    let (body, rest) = bytes.split_at_checked(size).unwrap_or((bytes, &[]));
                    (body.to_vec(), rest)
                }
            }
            // To the end, or in chunks, which are not looked at.
            None => {
                answer.body = bytes.to_vec();
                bytes = &[];
            }
        }
        answers.push(answer);
    }
    (answers, bytes)
}
