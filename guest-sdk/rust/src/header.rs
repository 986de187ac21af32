//! HTTP headers as requests and upgrades show them.

pub use crate::bindings::imports::holdline::websocket::types::Header;

/// The first value under this name, in any case. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn first(headers: &[Header], name: &str) -> Option<String> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| String::from_utf8_lossy(&header.value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &[u8]) -> Header {
        Header { name: name.to_owned(), value: value.to_vec() }
    }

    #[test]
    fn the_first_of_a_name_is_found_in_any_case() {
        let headers = [header("cookie", b"a=1"), header("cookie", b"b=2")];

        assert_eq!(first(&headers, "Cookie").as_deref(), Some("a=1"));
        assert_eq!(first(&headers, "origin"), None);
    }
}
