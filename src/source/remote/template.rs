//! Addresses of repositories with placeholders: `https://git.example.org/teams/{application}.git`.
//!
//! What a request names goes into the path and nowhere else, and stays one piece of one segment there: a name can neither
//! choose the host nor leave the folder that the template names.

use std::fmt::Write as _;

use super::{Location, Remote, RemoteError, refuse};

/// What may stand in a template.
const PLACEHOLDERS: [(&str, Part); 3] =
    [("{application}", Part::Application), ("{profile}", Part::Profile), ("{label}", Part::Label)];

/// The longest value that is put into an address, in bytes; file systems and hosts take no longer names.
const MAX_VALUE: usize = 255;

/// The address of many repositories. Its text form never holds a user or a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The pieces in their order.
    pieces: Vec<Piece>,
    /// With `x` in every place, to compare an expansion with.
    example: Remote,
}

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    /// Text, which may hold a password.
    Text(String),
    Place(Part),
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => out.write_str("Text(***)"),
            Self::Place(part) => part.fmt(out),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Application,
    Profile,
    Label,
}

/// What a request names.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The application.
    pub application: &'a str,
    /// The profiles, joined by commas.
    pub profile: &'a str,
    /// The label; the default one if none was asked for.
    pub label: &'a str,
}

impl Template {
    /// Reads an address with placeholders; `None` if there is none in it.
    ///
    /// # Errors
    /// If a placeholder stands elsewhere than in the path or is not known, or what is around it is no address.
    pub fn parse(text: &str) -> Result<Option<Self>, RemoteError> {
        if !text.contains('{') {
            return Ok(None);
        }
        let path = path_of(text);
        if text[..path].contains('{') {
            return Err(refuse(
                "has a placeholder before its path\nhint: {application}, {profile} and {label} may stand in the path only, \
                 so that no request can choose the host",
            ));
        }
        let pieces = pieces(text)?;
        let example = spell(&pieces, |_| Some("x".to_owned())).unwrap_or_default().parse()?;
        Ok(Some(Self { pieces, example }))
    }

    /// The repository of a request; `None` if what it names cannot be the name of one.
    #[must_use]
    pub fn expand(&self, names: Names<'_>) -> Option<Remote> {
        let is_url = matches!(self.example.location(), Location::Http(_));
        let text = spell(&self.pieces, |part| {
            let value = match part {
                Part::Application => names.application,
                Part::Profile => names.profile,
                Part::Label => names.label,
            };
            match is_url {
                // Escaped or not, some hosts would climb.
                true if value.contains("..") => None,
                true => Some(encode(value)).filter(|value| !value.is_empty() && value.len() <= MAX_VALUE),
                false => is_plain(value).then(|| value.to_owned()),
            }
        })?;
        // Parsed anew, so that whatever the pieces make together passes all checks of an address that is written out.
        let remote: Remote = text.parse().ok()?;
        (skeleton(&remote) == skeleton(&self.example)).then_some(remote)
    }
}

impl Template {
    /// The path of a repository, for people to know it by.
    #[must_use]
    pub fn path(remote: &Remote) -> String {
        let text = remote.to_string();
        text[path_of(&text)..].trim_start_matches('/').to_owned()
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.example.fmt(out)
    }
}

/// Where the path of an address begins.
fn path_of(text: &str) -> usize {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let start = scheme.len() + 3;
            rest.find(['/', '?', '#']).map_or(text.len(), |slash| start + slash)
        }
        None if text.starts_with('/') => 0,
        None => text.find(':').map_or(text.len(), |colon| colon + 1),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, RemoteError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let known = PLACEHOLDERS.iter().find(|(written, _)| rest[open..].starts_with(written));
        let Some((written, part)) = known else {
            return Err(refuse("has a `{` that begins none of {application}, {profile} and {label}"));
        };
        pieces.push(Piece::Text(rest[..open].to_owned()));
        pieces.push(Piece::Place(*part));
        rest = &rest[open + written.len()..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

fn spell(pieces: &[Piece], value: impl Fn(Part) -> Option<String>) -> Option<String> {
    pieces.iter().try_fold(String::new(), |text, piece| match piece {
        Piece::Text(piece) => Some(text + piece),
        Piece::Place(part) => value(*part).map(|value| text + &value),
    })
}

/// A value as one piece of a segment of a URL's path: everything but the plainest characters escaped.
fn encode(value: &str) -> String {
    value.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
        encoded
    })
}

/// True if a value can stand in a path that is not escaped.
fn is_plain(value: &str) -> bool {
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | ',' | '+' | '@' | ' ');
    (1..=MAX_VALUE).contains(&value.len()) && value.chars().all(is_fine)
}

/// What an expansion must have in common with its template: all before the path, and how many segments that has. A
/// segment that names its own or the parent folder would have changed it.
fn skeleton(remote: &Remote) -> (String, usize) {
    let text = match remote.location() {
        Location::Folder(path) => {
            let odd = |part: std::path::Component<'_>| matches!(part, std::path::Component::ParentDir);
            let odd = path.components().any(odd);
            return (if odd { "..".to_owned() } else { String::new() }, path.components().count());
        }
        Location::Http(url) => url.clone(),
        Location::Ssh(place) => place.to_string(),
    };
    let (before, path) = text.split_at(path_of(&text));
    let odd = path.split('/').any(|segment| matches!(segment, "." | ".."));
    (if odd { "..".to_owned() } else { before.to_owned() }, path.split('/').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(template: &str, application: &str, label: &str) -> Option<String> {
        let template = Template::parse(template).unwrap().unwrap();
        template.expand(Names { application, profile: "dev,prod", label }).map(|remote| remote.to_string())
    }

    #[test]
    fn names_go_into_the_path() {
        let url = "https://git.example.org/teams/{application}.git";
        assert_eq!(expand(url, "user", "main").as_deref(), Some("https://git.example.org/teams/user.git"));
        let url = "https://h/{label}/{application}-{profile}";
        assert_eq!(expand(url, "user", "main").as_deref(), Some("https://h/main/user-dev,prod"));
        assert_eq!(expand("git@h:{application}.git", "user", "main").as_deref(), Some("git@h:user.git"));
        assert_eq!(expand("ssh://h/srv/{application}", "user", "main").as_deref(), Some("ssh://h/srv/user"));
        assert_eq!(expand("/srv/{application}", "user", "main").as_deref(), Some("/srv/user"));
        assert_eq!(expand("file:///srv/{application}", "user", "main").as_deref(), Some("/srv/user"));
        assert_eq!(Template::parse("https://h/x"), Ok(None));
    }

    #[test]
    fn bad_a23_a_name_chooses_neither_the_host_nor_another_folder() {
        let url = "https://git.example.org/teams/{application}";
        let hostile = ["evil.com/x", "@evil.com", "#", "?x=1", "a/b", "%2e%2e", "\\evil", "a b", "\u{e9}"];
        for name in hostile {
            let expanded = expand(url, name, "main").unwrap();
            let rest = expanded.strip_prefix("https://git.example.org/teams/").unwrap();
            assert!(!rest.contains(['/', '@', '#', '?', '\\', ' ']), "{name}: {expanded}");
        }
        for name in ["..", ".", "", "a/../../b", &"x".repeat(300)] {
            assert_eq!(expand(url, name, "main"), None, "{name}");
        }
        for template in
            ["git@h:teams/{application}", "ssh://h/teams/{application}", "/srv/{label}", "file:///srv/{label}"]
        {
            for name in ["evil/x", "..", ".", "", "a/../../b", "%2e%2e%2fx", "a\nb", "-x/y", "'; id; '", "$(id)"] {
                assert_eq!(expand(template, name, name), None, "{template} {name}");
            }
        }
        assert_eq!(expand("git@h:{application}", "-oProxyCommand=id", "main"), None);
        assert_eq!(
            expand("https://h/{application}{label}", ".", "."),
            None,
            "two harmless values make one that is not"
        );
    }

    #[test]
    fn bad_a23_placeholders_elsewhere_than_in_the_path_are_refused() {
        let told = |text: &str| Template::parse(text).unwrap_err().to_string();
        let before = "the address of the repository has a placeholder before its path\nhint: {application}, {profile} and \
                      {label} may stand in the path only, so that no request can choose the host";
        let cases = [
            "https://{application}/x",
            "https://{application}.example.org/x",
            "https://h:{label}/x",
            "https://me:{label}@h/x",
            "{application}://h/x",
            "{application}@h:x",
            "git@{application}:x",
            "{application}",
            "https://{label}",
        ];
        for text in cases {
            assert_eq!(told(text), before, "{text}");
        }
        let unknown =
            "the address of the repository has a `{` that begins none of {application}, {profile} and {label}";
        assert_eq!(told("https://h/{name}"), unknown);
        assert_eq!(told("https://h/{application"), unknown);
        assert!(told("https://h/x?app={application}").contains("holds a `?` or a `#`"));
        assert!(told("ftp://h/{application}").contains("has the scheme `ftp`"));
    }

    #[test]
    fn a_password_in_a_template_stays_out_of_its_texts() {
        let template = Template::parse("https://me:secret@h/{application}").unwrap().unwrap();
        assert!(!format!("{template} {template:?}").contains("secret"), "{template:?}");
        let names = Names { application: "a", profile: "p", label: "l" };
        let login = template.expand(names).unwrap().embedded().login().unwrap().unwrap();
        assert_eq!(login.password.expose(), "secret");
    }
}
