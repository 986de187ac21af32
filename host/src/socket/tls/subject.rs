//! Who a client is by its certificate, as text (RFC 4514), so that a plugin can read it among the headers of the request.

use std::fmt::Write;

use http::HeaderValue;
use x509_parser::asn1_rs::ToDer;
use x509_parser::parse_x509_certificate;
use x509_parser::x509::AttributeTypeAndValue;

/// Types of attributes that have a name of their own (RFC 4514, section 3; the serial number is of RFC 4519).
const NAMES: [(&str, &str); 10] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.5", "serialNumber"),
];

/// The subject of a certificate as the value of a header; none if it cannot be read.
pub(super) fn of(certificate: &[u8]) -> Option<HeaderValue> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let mut parts = Vec::new();
    for part in certificate.subject().iter_rdn() {
        let attributes = part.iter().map(attribute).collect::<Option<Vec<_>>>()?;
        parts.push(attributes.join("+"));
    }
    // The text begins with what is last (section 2.1).
    parts.reverse();
    HeaderValue::from_bytes(parts.join(",").as_bytes()).ok()
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let kind = attribute.attr_type().to_id_string();
    let name = NAMES.iter().find(|(id, _)| *id == kind).map(|(_, name)| *name);
    match (name, attribute.as_str()) {
        (Some(name), Ok(text)) => Some(format!("{name}={}", escaped(text))),
        // What has no name, or is no text, is given as it is in the certificate (section 2.4).
        _ => {
            let value = attribute.attr_value().to_der_vec().ok()?;
            let digits = value.iter().fold(String::new(), |mut digits, byte| {
                // Writing to a text never fails.
                let _always = write!(digits, "{byte:02x}");
                digits
            });
            Some(format!("{}=#{digits}", name.unwrap_or(&kind)))
        }
    }
}

/// Section 2.4. What a header cannot have is escaped as well, byte for byte, so that nobody breaks out of it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let last = text.chars().count().saturating_sub(1);
    for (place, char) in text.chars().enumerate() {
        let is_at_an_edge = char == ' ' && (place == 0 || place == last) || char == '#' && place == 0;
        match char {
            _ if is_at_an_edge => escaped.extend(['\\', char]),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', char]),
            char if char.is_ascii_control() => {
                let _always = write!(escaped, "\\{:02x}", u32::from(char));
            }
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_is_escaped() {
        for (text, shown) in [
            ("James \"Jim\" Smith, III", "James \\\"Jim\\\" Smith\\, III"),
            ("Before\rAfter\n", "Before\\0dAfter\\0a"),
            (" # ", "\\ #\\ "),
            ("#1", "\\#1"),
            ("a+b;c<d>e\\f=g", "a\\+b\\;c\\<d\\>e\\\\f=g"),
            (" ", "\\ "),
            ("Lučić", "Lučić"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }
}
