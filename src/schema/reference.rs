//! Where a `$ref` leads: a path of the repository and a place in that file, or why it leads nowhere that is read.
//!
//! Only a relative path is followed, from the folder of the file that it stands in, and never out of the root.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What may stand in the fragment of a URL as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'-').remove(b'_').remove(b'.').remove(b'$');

/// Where a reference leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The path of the file; `None`: the file that the reference stands in.
    pub(super) path: Option<String>,
    /// A JSON pointer, or the name of an anchor without a slash before it.
    pub(super) fragment: String,
}

/// Reads the reference `text` that stands in the file at `from`, whose `$id` is `id`.
///
/// # Errors
/// Why it is not followed, as the end of a sentence.
pub(super) fn parse(text: &str, from: &str, id: Option<&str>) -> Result<Target, &'static str> {
    let (file, fragment) = text.split_once('#').unwrap_or((text, ""));
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| "is not UTF-8");
    let fragment = decode(fragment)?;
    if file.is_empty() || Some(file) == id {
        return Ok(Target { path: None, fragment });
    }
    if file.starts_with(['/', '\\']) || scheme(file) {
        return Err("leaves the repository: only files of the repository are read, by a relative path");
    }
    let file = decode(file)?;
    if file.contains(['\\', '?', ':']) || file.contains(char::is_control) {
        return Err("is no relative path");
    }
    let mut segments: Vec<&str> = from.split('/').collect();
    segments.pop();
    for segment in file.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop().ok_or("leaves the root of the repository")?,
            name => segments.push(name),
        }
    }
    let path = segments.join("/");
    Ok(Target { path: (path != from).then_some(path), fragment })
}

/// The reference to a pointer inside the one document that is compiled.
pub(super) fn spell(document: usize, pointer: &str) -> String {
    format!("#/$defs/{document}{}", utf8_percent_encode(pointer, PLAIN))
}

fn scheme(file: &str) -> bool {
    file.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match parse(text, "user/schema.json", Some("https://example.com/user")) {
            Ok(Target { path, fragment }) => format!("{}#{fragment}", path.unwrap_or_default()),
            Err(reason) => reason.to_owned(),
        }
    }

    #[test]
    fn relative_paths_lead_from_the_folder_of_the_file() {
        assert_eq!(told("common.json#/$defs/a~1b"), "user/common.json#/$defs/a~1b");
        assert_eq!(told("../schemas/./port.json"), "schemas/port.json#");
        assert_eq!(told("../a%20b.json#/%C3%BC"), "a b.json#/ü");
        assert_eq!(told("#anchor"), "#anchor");
        assert_eq!(told("schema.json#/x"), "#/x");
        assert_eq!(told("https://example.com/user#/$defs/x"), "#/$defs/x");
        assert_eq!(spell(1, "/a b/ü~1$x"), "#/$defs/1/a%20b/%C3%BC~1$x");
    }

    #[test]
    fn nothing_outside_of_the_repository_is_reached() {
        let outside = [
            "http://127.0.0.1/x.json",
            "HTTPS://example.com/x",
            "file:///etc/passwd",
            "ftp://host/x",
            "//host/x.json",
            "/etc/passwd",
            "\\\\host\\x",
            "urn:x:y",
            "c:/x",
        ];
        for text in outside {
            assert_eq!(told(text), "leaves the repository: only files of the repository are read, by a relative path");
        }
        for text in ["../../x.json", "../%2e%2e/x.json", "..%2f..%2fx.json", "a/../../../x"] {
            assert_eq!(told(text), "leaves the root of the repository", "{text}");
        }
        assert_eq!(told("a%5cb"), "is no relative path");
        assert_eq!(told("a%ffb"), "is not UTF-8");
        assert_eq!(told("./http%3a//host/x"), "is no relative path");
    }
}
