//! YAML that is read as the standard says and not as it was meant: comments that cut a value, numbers that lose their
//! spelling, dashes and colons without a space, anchors by accident.

use crate::config::layer::{Data, Entry};
use crate::config::problem::{Fault, Position};
use crate::format::{self, Format};

use super::Text;
use super::walk::{Step, shown, walk};

/// Adds what is lost in a file.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    if text.format != Format::Yaml {
        return;
    }
    let Ok(source) = std::str::from_utf8(text.bytes) else { return };
    // Few files need to be read a second time.
    if !source.lines().any(may_lose) {
        return;
    }
    let lines: Vec<&str> = source.lines().collect();
    walk(text.body, &mut |_, step| {
        if let Step::Key(entry) = step {
            faults.extend(blank(entry, &lines));
        }
    });
    format::plain_scalars(text.bytes, text.limits, |scalar, data, at| {
        let Some((before, after)) = around(&lines, scalar, at) else { return };
        if after.trim_start().starts_with(':') {
            return;
        }
        faults.extend(match data {
            Data::Number(number) => lost_number(scalar, &number.to_string(), at),
            Data::Text(_) => glued(scalar, before, after, at).or_else(|| cut(scalar, after, at)),
            _ => None,
        });
        faults.extend(anchor(before, source, at));
    });
}

fn may_lose(line: &str) -> bool {
    let start = line.trim_start();
    let is_glued = start.starts_with('-') && !start.starts_with("- ") && start != "-" && start != "---";
    let is_colon = start.contains(':') && !start.contains(": ") && !start.ends_with(':');
    let is_number = |word: &str| spelling(word).is_some();
    let is_comment = line.match_indices(" #").any(|(at, _)| !line[at + 2..].starts_with([' ', '#']));
    is_glued || is_colon || is_comment || line.contains(" &") || line.split([' ', ',', '[', ']']).any(is_number)
}

/// The text of the line before a scalar and after it. A scalar of several lines has nothing after it.
fn around<'a>(lines: &[&'a str], scalar: &str, at: Position) -> Option<(&'a str, &'a str)> {
    let line = lines.get((at.line as usize).checked_sub(1)?)?.trim_start_matches('\u{feff}');
    let start = line.char_indices().nth((at.column as usize).checked_sub(1)?).map(|(start, _)| start)?;
    Some((&line[..start], line[start..].strip_prefix(scalar).unwrap_or_default()))
}

/// A key without a value before what looks like one.
fn blank(entry: &Entry, lines: &[&str]) -> Option<Fault> {
    if !matches!(entry.node.data, Data::Null) || entry.node.tag.is_some() {
        return None;
    }
    let written = entry.key.written();
    let (_, after) = around(lines, written, entry.at)?;
    let rest = after.trim_start().strip_prefix(':')?.trim_start();
    let at = entry.at;
    if let Some(comment) = rest.strip_prefix('#').filter(|rest| is_value(rest)) {
        let message = format!("`{}` is null, because `#` begins a comment", shown(written));
        let hint = format!("quote the value: `\"#{}\"`; if it is a comment, write a blank behind `#`", shown(comment));
        return Some(Fault::warning("comment-cuts-value", at, message).with_hint(hint));
    }
    let name = rest.strip_prefix('&').filter(|name| !name.is_empty() && !name.contains(' '))?;
    let message = format!("`{}` is null, because `&{}` is read as an anchor", shown(written), shown(name));
    Some(Fault::warning("unused-anchor", at, message).with_hint("quote the value if it begins with `&`"))
}

/// Something that people would not write as a comment: it follows `#` without a blank.
fn is_value(rest: &str) -> bool {
    rest.starts_with(|first: char| !first.is_whitespace() && !matches!(first, '#' | '!' | '-' | '='))
}

fn cut(scalar: &str, after: &str, at: Position) -> Option<Fault> {
    let comment = after.strip_prefix(" #")?.trim_end();
    let is_remark = comment.contains([' ', ':']) || ["nosec", "noqa", "NOSONAR"].contains(&comment);
    if is_remark || !is_value(comment) {
        return None;
    }
    let message = "the value ends before ` #`, which begins a comment";
    let hint = "quote the whole value if `#` is a part of it; if it is a comment, write a blank behind `#`";
    (!scalar.is_empty()).then(|| Fault::warning("comment-cuts-value", at, message).with_hint(hint))
}

/// A dash or a colon that needs a blank behind it, on a line of its own.
fn glued(scalar: &str, before: &str, after: &str, at: Position) -> Option<Fault> {
    if !before.trim().is_empty() || after.contains(',') {
        return None;
    }
    if scalar.strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) {
        let message = "this is a text that begins with `-`, not an item of a list";
        return Some(Fault::warning("glued-dash", at, message).with_hint("write a blank behind the `-`"));
    }
    let (key, value) = scalar.split_once(':')?;
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let is_glued = !key.is_empty() && key.chars().all(is_key) && !key.starts_with(|first: char| first.is_ascii_digit());
    (is_glued && !value.starts_with(['/', ':']) && !value.starts_with(char::is_whitespace) && !value.is_empty()).then(
        || {
            let message = format!("this is a text, not the key `{}`: there is no blank behind the colon", shown(key));
            Fault::warning("glued-colon", at, message).with_hint("write a blank behind the `:`, or quote the text")
        },
    )
}

/// A scalar behind an anchor that nothing refers to.
fn anchor(before: &str, source: &str, at: Position) -> Option<Fault> {
    let name = before.trim_end().rsplit([' ', '[', ',']).next()?.strip_prefix('&').filter(|name| !name.is_empty())?;
    (before.ends_with(' ') && !source.contains(&format!("*{name}"))).then(|| {
        let message = format!("`&{}` is read as an anchor, and nothing refers to it", shown(name));
        Fault::warning("unused-anchor", at, message).with_hint("quote the value if `&` is a part of it")
    })
}

fn lost_number(scalar: &str, served: &str, at: Position) -> Option<Fault> {
    let what = spelling(scalar).filter(|_| served != scalar)?;
    let message = format!("`{scalar}` is {what} and is served as the number {served}");
    let hint = format!("quote it: `\"{scalar}\"`; if it is a number, write `{served}`");
    Some(Fault::warning("lost-spelling", at, message).with_hint(hint))
}

/// What a number may have been meant as, if it looks like something that is no number.
fn spelling(text: &str) -> Option<&'static str> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == '+') || text.len() > 64 {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        let is_address = hex.len() > 8 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_address.then_some("written like an address");
    }
    if let Some(phone) = text.strip_prefix('+') {
        return (is_digits(phone) && phone.len() > 4).then_some("written with a plus");
    }
    if let Some((whole, fraction)) = text.split_once('.') {
        let is_version = whole != "0" && fraction.len() > 1 && fraction.ends_with('0');
        return (is_digits(whole) && is_digits(fraction) && is_version).then_some("written like a version");
    }
    let (whole, power) = text.split_once(['e', 'E'])?;
    let is_id = whole.starts_with('0') || text.len() > 5;
    (is_digits(whole) && is_digits(power) && is_id).then_some("written like an id")
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(text: &str) -> Vec<String> {
        let code = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replace("user.yml:", "");
        lines(&[("user.yml", text)]).iter().map(code).collect()
    }

    #[test]
    fn what_is_read_otherwise_than_meant_is_reported() {
        for (text, expected) in [
            ("color: #fff\n", "comment-cuts-value 1:1"),
            ("a: abc #def\n", "comment-cuts-value 1:4"),
            ("a: [x, 1.10]\n", "lost-spelling 1:8"),
            ("version: 10.20\n", "lost-spelling 1:10"),
            ("commit: 0e12345\n", "lost-spelling 1:9"),
            ("commit: 12345e7\n", "lost-spelling 1:9"),
            ("phone: +4912345\n", "lost-spelling 1:8"),
            ("wallet: 0x1234567890abcdef\n", "lost-spelling 1:9"),
            ("a:\n  -alpha\n  -beta\n", "glued-dash 2:3"),
            ("a:\n  port:8080\n", "glued-colon 2:3"),
            ("code: &abc\nb: 1\n", "unused-anchor 1:1"),
            ("code: &abc def\n", "unused-anchor 1:12"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        let told = lines(&[("user.yml", "v: 1.10\n")]);
        assert_eq!(
            told,
            [
                "lost-spelling user.yml:1:4 `1.10` is written like a version and is served as the number 1.1 (user default)"
            ]
        );
    }

    #[test]
    fn what_is_meant_as_it_stands_is_left_alone() {
        for text in [
            "a: # a comment\n",
            "a: #todo\n  b: 1\n",
            "a: abc # def\n",
            "a: abc  #def\n",
            "a: 'abc #def'\n",
            "a: 1 #default\n",
            "a: abc #why: because\n",
            "a: 0.50\nb: 1.0\nc: 1.5\nd: 1e3\ne: 100\nf: +5\ng: 0xff\n",
            "1.10: x\n",
            "a: '1.10'\n",
            "a:\n  - -alpha\n  - 5\n  - -5\n",
            "a:\n  http://x:80\n",
            "a: &x 1\nb: *x\n",
            "a: &x {c: 1}\n",
            "a: |\n  -alpha\n  port:8080\n  1.10 #x\n",
            "a: x:y\nb: '10:30:00'\n",
            "a:\n  [\n    -x,\n    y:z,\n  ]\n",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
