//! Which known name was probably meant by an unknown one.

use super::table::rows;

/// The longest name that is compared; nobody mistypes a longer one into one of ours.
const LONGEST: usize = 64;

/// The setting or group that an unknown dotted name of the settings file probably means: one beside it with a similar
/// last step, else one elsewhere with exactly its last step.
pub(super) fn near_name(name: &str) -> Option<&'static str> {
    let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
    let beside = rows().filter_map(|row| child_of(parent, row.name));
    nearest(last, beside, last_step).or_else(|| {
        let elsewhere = rows().map(|row| row.name);
        elsewhere.filter(|name| last_step(name) == last).min_by_key(|name| name.len())
    })
}

/// The candidate whose key is most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    key: impl Fn(&'a str) -> &'a str,
) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let tolerance = (name.chars().count() / 3).max(1);
    let measured = candidates.map(|candidate| (strsim::osa_distance(name, key(candidate)), candidate));
    measured.filter(|(distance, _)| *distance <= tolerance).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

/// The part of a name that is `parent` and one step more.
fn child_of(parent: &str, name: &'static str) -> Option<&'static str> {
    let start = match parent {
        "" => 0,
        parent => name.strip_prefix(parent).filter(|rest| rest.starts_with('.')).map(|_| parent.len() + 1)?,
    };
    let end = name[start..].find(['.', '[']).map_or(name.len(), |end| start + end);
    Some(&name[..end])
}

fn last_step(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_looked_for_beside_and_a_right_name_everywhere() {
        let near = ["htpp", "http.lisen", "source", "sources[].search_paths", "sources[].credentials.pasword-file"];
        let expected =
            ["http", "http.listen", "sources", "sources[].search-paths", "sources[].credentials.password-file"];
        assert_eq!(near.map(near_name), expected.map(Some));
        assert_eq!(near_name("listen"), Some("http.listen"));
        assert_eq!(near_name("git"), Some("sources[].git"));
        assert_eq!(near_name("http.idle-time"), Some("limits.idle-time"));
    }

    #[test]
    fn what_is_like_nothing_gets_no_advice() {
        assert_eq!(near_name("database"), None);
        assert_eq!(near_name("http.listen.port"), None);
        assert_eq!(near_name(&"listen".repeat(1000)), None);
    }
}
