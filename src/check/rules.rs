//! Every code that a finding can have, as data: how much it matters unless the policy says otherwise, and what it is.
//!
//! The codes of readers and of merging are here too. `docs/problems.md` has an entry for each; a test compares the two.

use crate::config::problem::Severity::{self, Error, Info, Warning};

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable kebab-case name.
    pub code: &'static str,
    /// How much it matters by default.
    pub severity: Severity,
    /// What is wrong, as a title.
    pub title: &'static str,
}

/// All rules, in order of their codes.
pub const RULES: &[Rule] = &[
    rule("alias-bomb", Error, "aliases multiply beyond reason"),
    rule("alias-cycle", Error, "an alias stands inside its own anchor"),
    rule("answer-too-large", Error, "an answer grows beyond its limit"),
    rule("application-and-profile", Warning, "the name of an application is made of another one and a profile"),
    rule("application-typo", Warning, "an application looks like a slip in the name of another"),
    rule("backslash-dropped", Warning, "a backslash is dropped"),
    rule("backslash-escape", Warning, "backslashes of a path are read as escapes"),
    rule("blank-at-end", Warning, "blanks at the end of a line are a part of the value"),
    rule("byte-order-mark", Info, "the file begins with a byte order mark"),
    rule("check-invalid", Error, "`.layerd.yaml` or `.layerd-check.yaml` holds something that it cannot hold"),
    rule("check-no-reason", Error, "a place is silenced without a reason"),
    rule("check-unknown-code", Error, "`.layerd-check.yaml` names a code that does not exist"),
    rule("check-unknown-member", Error, "`.layerd-check.yaml` has a member that does not exist"),
    rule("cipher-auth", Error, "a sealed value does not open"),
    rule("cipher-copied", Warning, "one sealed value stands in two places and opens in one only"),
    rule("cipher-doubtful", Warning, "a sealed value of version 1 opens in other places too"),
    rule("cipher-malformed", Error, "a sealed value is malformed"),
    rule("cipher-misplaced", Error, "a sealed value stands where its application is not known"),
    rule("cipher-unknown-key", Warning, "a sealed value names a key that is not there"),
    rule("cipher-unsupported", Error, "a sealed value has a form that is not read"),
    rule("comment-cuts-value", Warning, "`#` begins a comment where a value seems to be"),
    rule("complex-key", Error, "a list or map is used as a key"),
    rule("condition-contradiction", Warning, "a document is for other profiles than its file"),
    rule("condition-typo", Warning, "the condition of a document is misspelt"),
    rule("control-character", Error, "the file holds a control character"),
    rule("crlf-line-ends", Info, "all lines end with CR LF"),
    rule("duplicate-key", Error, "a key is given twice"),
    rule("empty-file", Info, "the file is empty"),
    rule("encrypted-file", Error, "another tool encrypted the file"),
    rule("environment-key", Warning, "a key is the name of an environment variable"),
    rule("equal-value", Info, "a value equals what it overrides"),
    rule("escape", Error, "an escape in a properties file is broken"),
    rule("extend-non-list", Warning, "a list is to be extended, and what it inherits is none"),
    rule("file-too-large", Error, "the file is larger than the limit"),
    rule("foreign-secret", Warning, "another tool encrypted a value"),
    rule("git-filter", Error, "Git stores something else than what is on disk"),
    rule("glued-colon", Warning, "there is no blank behind a colon"),
    rule("glued-dash", Warning, "there is no blank behind a dash"),
    rule("invisible-character", Warning, "a character that cannot be seen stands in a key or value"),
    rule("key-spelling", Warning, "two keys differ only in spelling"),
    rule("key-typo", Warning, "a key of a profile looks like a slip in the name of another"),
    rule("keys-too-long", Error, "flat keys have too many bytes in all"),
    rule("keys-unavailable", Warning, "there are no keys for a sealed value"),
    rule("left-out", Warning, "a file cannot be served for what it is"),
    rule("legacy-key", Error, "`spring.profiles` is used as the condition of a document"),
    rule("lfs-pointer", Error, "the file is a pointer of Git LFS"),
    rule("list-and-map", Error, "a path is a list and a map"),
    rule("list-gap", Error, "a list has a gap"),
    rule("list-items-removed", Info, "a change removes items of a list"),
    rule("list-shortened", Warning, "a change replaces a list by a shorter one"),
    rule("look-alike", Warning, "a character looks like another one"),
    rule("lost-reference", Error, "a placeholder resolved before a change and no longer does"),
    rule("lost-spelling", Warning, "a number loses the spelling that it has in the file"),
    rule("map-over-value", Warning, "a map hides a single value or a list"),
    rule("merge-conflict", Error, "a merge conflict was committed"),
    rule("merge-key", Error, "`<<` merges something that is no map"),
    rule("misplaced-tag", Error, "a tag stands where it cannot apply"),
    rule("mixed-line-ends", Warning, "lines end in two ways"),
    rule("never-selected", Warning, "no request selects the file"),
    rule("no-configuration", Error, "no file is configuration"),
    rule("no-effect", Warning, "a key of Spring has no effect here"),
    rule("not-a-mapping", Error, "the document is no map"),
    rule("not-finite", Error, "a number is infinite or none"),
    rule("not-utf8", Error, "the file is not UTF-8"),
    rule("null-key", Error, "a key is null, a list or a map"),
    rule("null-over-map", Warning, "a blank key stands over a map"),
    rule("number-too-large", Error, "a number is beyond a double"),
    rule("number-too-long", Error, "a number has too many digits"),
    rule("only-profile-files", Warning, "an application has files for a profile alone"),
    rule("other-type", Warning, "a value has another type than the one that it overrides"),
    rule("other-winner", Info, "a key has another winner under the other semantics"),
    rule("override-without-base", Warning, "a change removes what a key overrides"),
    rule("placeholder-chain", Error, "a placeholder leads through too many values"),
    rule("placeholder-cycle", Error, "placeholders lead in a circle"),
    rule("placeholder-nesting", Error, "placeholders stand too deep in one another"),
    rule("placeholder-size", Error, "placeholders make a value too large"),
    rule("placeholder-source", Warning, "a placeholder has the form of another tool"),
    rule("placeholder-unclosed", Warning, "a placeholder has no end"),
    rule("plain-secret", Warning, "a value looks like a secret in plain text"),
    rule("policy", Error, "a value breaks a policy of the repository"),
    rule("profile-expression", Error, "an on-profile expression cannot be read"),
    rule("profile-typo", Warning, "a profile looks like a slip in the name of another"),
    rule("repository-settings", Error, "`.layerd.yaml` holds something that it cannot hold"),
    rule("schema-broken", Error, "a schema cannot be applied"),
    rule("schema-missing-key", Error, "a key is missing that a schema requires"),
    rule("schema-violation", Error, "a value breaks a schema"),
    rule("setting-overridden", Info, "the server overrides a setting of the repository"),
    rule("shell-variable", Info, "a variable of a shell is no placeholder"),
    rule("sops-file", Error, "SOPS encrypted values of the file"),
    rule("syntax", Error, "the file breaks the grammar of its format"),
    rule("tab", Info, "a line is indented with a tab"),
    rule("tab-indentation", Error, "a tab indents a key"),
    rule("tag-mismatch", Error, "a value does not fit its tag"),
    rule("too-deep", Error, "the file is nested too deep"),
    rule("too-many-documents", Error, "the file has too many documents"),
    rule("too-many-nodes", Error, "the file has too many values"),
    rule("two-files-of-one-stem", Warning, "two files have one name"),
    rule("two-places", Warning, "a service has one key in two places"),
    rule("unanswered-placeholder", Info, "nothing answers a placeholder"),
    rule("unknown-alias", Error, "an alias has no anchor"),
    rule("unknown-profile", Info, "no file is for the profile of a document"),
    rule("unknown-tag", Error, "a tag is unknown"),
    rule("unquoted-cipher", Error, "a sealed value is not quoted"),
    rule("unquoted-template", Error, "a template is not quoted"),
    rule("unreadable", Error, "a file or folder cannot be read"),
    rule("unreadable-format", Error, "files of this format are not read"),
    rule("unset-nothing", Warning, "`!unset` takes away nothing"),
    rule("unused-anchor", Warning, "nothing refers to an anchor"),
    rule("unused-silence", Info, "a silence silences nothing"),
    rule("value-and-children", Error, "a path has a value and children"),
    rule("value-over-map", Warning, "a single value or a list hides a map"),
    rule("yaml-1-1", Warning, "YAML 1.1 and 1.2 read a value differently"),
];

const fn rule(code: &'static str, severity: Severity, title: &'static str) -> Rule {
    Rule { code, severity, title }
}

/// The rule of that code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.binary_search_by(|rule| rule.code.cmp(code)).ok().map(|index| &RULES[index])
}

/// The name of a severity.
#[must_use]
pub const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_found_in() {
        assert!(RULES.is_sorted_by(|one, other| one.code < other.code));
        assert_eq!(find("tab").map(|rule| rule.severity), Some(Info));
        assert_eq!(find("no-such-code"), None);
    }
}
