//! The HTTP request that asked for a connection, kept for as long as the connection lives: so its headers are kept in little.

/// The HTTP request that asked for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The path as it was sent, without the query.
    pub path: Box<str>,
    /// The query without the question mark.
    pub query: Box<str>,
    /// The headers in the order in which they came.
    pub headers: Headers,
    /// The client's address and port.
    pub remote_address: std::net::SocketAddr,
}

/// Header fields of a request: names in lower case, values as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    // One after the other. A string and a list for each field would cost six times as much.
    names: Box<str>,
    values: Box<[u8]>,
    // Where each of them ends.
    ends: Box<[(u32, u32)]>,
}

impl Headers {
    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut begin = (0, 0);
        self.ends.iter().map(move |(name, value)| {
            let end = (index(*name), index(*value));
            let names = self.names.get(begin.0..end.0).unwrap_or_default();
            let values = self.values.get(begin.1..end.1).unwrap_or_default();
            begin = end;
            (names, values)
        })
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(fields: I) -> Self {
        let (mut names, mut values, mut ends) = (String::new(), Vec::new(), Vec::new());
        for (name, value) in fields {
            names.push_str(name);
            values.extend_from_slice(value);
            // The head of a request is far smaller than 4 GiB.
            let end = |length| u32::try_from(length).unwrap_or(u32::MAX);
            ends.push((end(names.len()), end(values.len())));
        }
        Self { names: names.into(), values: values.into(), ends: ends.into() }
    }
}

fn index(end: u32) -> usize {
    usize::try_from(end).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_out_as_they_went_in() {
        let fields: [(&str, &[u8]); 4] =
            [("host", b"a"), ("x-empty", b""), ("x-twice", b"\xff one"), ("x-twice", b"two")];
        assert!(fields.iter().copied().collect::<Headers>().iter().eq(fields));
        assert_eq!(Headers::default().iter().count(), 0);
    }
}
