//! What gives a secret away under any name: the beginnings that issuers give their keys, passwords inside of addresses
//! and options, and randomness.

use super::{harmless, name};

/// How keys and tokens begin, how many characters follow at least, and what they are.
const TOKENS: [(&str, usize, &str); 33] = [
    ("PuTTY-User-Key-File-", 1, "a private key"),
    ("AGE-SECRET-KEY-1", 20, "a private key of age"),
    ("ghp_", 30, "a token of GitHub"),
    ("gho_", 30, "a token of GitHub"),
    ("ghu_", 30, "a token of GitHub"),
    ("ghs_", 30, "a token of GitHub"),
    ("ghr_", 30, "a token of GitHub"),
    ("github_pat_", 20, "a token of GitHub"),
    ("glpat-", 16, "a token of GitLab"),
    ("gldt-", 16, "a token of GitLab"),
    ("glrt-", 16, "a token of GitLab"),
    ("xoxa-", 10, "a token of Slack"),
    ("xoxb-", 10, "a token of Slack"),
    ("xoxe-", 10, "a token of Slack"),
    ("xoxp-", 10, "a token of Slack"),
    ("xoxr-", 10, "a token of Slack"),
    ("xoxs-", 10, "a token of Slack"),
    ("xapp-", 10, "a token of Slack"),
    ("layerdkey_", 8, "a key of layerd"),
    ("sk_live_", 16, "a key of Stripe"),
    ("sk_test_", 16, "a key of Stripe"),
    ("rk_live_", 16, "a key of Stripe"),
    ("sk-ant-", 20, "a key of Anthropic"),
    ("sk-proj-", 20, "a key of OpenAI"),
    ("AIza", 30, "a key of Google"),
    ("hvs.", 20, "a token of Vault"),
    ("hvb.", 20, "a token of Vault"),
    ("npm_", 30, "a token of npm"),
    ("pypi-AgE", 30, "a token of PyPI"),
    ("dckr_pat_", 20, "a token of Docker"),
    ("dop_v1_", 40, "a token of DigitalOcean"),
    ("shpat_", 30, "a token of Shopify"),
    ("SG.", 40, "a key of SendGrid"),
];

const FOR_HTTP: &str = "credentials for HTTP";
const A_PASSWORD: &str = "a password or a key";

/// What the value is or holds, if issuers of keys and tokens would know it again.
pub(super) fn token(value: &str) -> Option<&'static str> {
    if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if value.contains("hooks.slack.com/services/T") {
        return Some("a token of Slack");
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let mut words = value.split(|character| !is_part(character));
    let by_issuer = words.find_map(|word| {
        let is_one = |(prefix, least, _): &&(&str, usize, &str)| {
            word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least && is_mixed(rest))
        };
        match word {
            _ if is_web_token(word) => Some("a JSON web token"),
            _ if is_of_aws(word) => Some("an access key of AWS"),
            _ => TOKENS.iter().find(is_one).map(|(.., what)| *what),
        }
    });
    by_issuer.or_else(|| is_for_http(value).then_some(FOR_HTTP))
}

/// False for `xxxxxxxx`, which stands for a token in an example, and for words in lower case.
fn is_mixed(text: &str) -> bool {
    let first = text.bytes().next();
    text.bytes().any(|byte| Some(byte) != first)
        && text.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

fn is_of_aws(word: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    ["AKIA", "ASIA"].iter().any(|prefix| word.starts_with(prefix))
        && word.len() == 20
        && word.bytes().all(is_sign)
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    matches!(parts[..], [header, payload, _] if header.starts_with("eyJ") && payload.starts_with("eyJ") && word.len() >= 30)
}

/// The value of an `Authorization` header.
fn is_for_http(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(' ') else { return false };
    let is_text = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(&byte));
    let least = if scheme.eq_ignore_ascii_case("bearer") { 16 } else { 8 };
    is_text && rest.len() >= least && ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// A password or a key, if the value is an address or a list of options with one in it. Placeholders have become `${}`.
pub(super) fn password_inside(value: &str) -> Option<&'static str> {
    let in_address = value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', ',']).next().unwrap_or_default();
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        login.and_then(|login| login.split_once(':')).is_some_and(|(_, password)| is_given(password))
    });
    let for_oracle = value.strip_prefix("jdbc:oracle:thin:").and_then(|rest| rest.split_once('@'));
    let in_oracle =
        for_oracle.and_then(|(login, _)| login.split_once('/')).is_some_and(|(_, password)| is_given(password));
    let in_option = value
        .split(['?', '&', ';', ' ', ','])
        .any(|option| option.split_once('=').is_some_and(|(name, text)| name::is_secret(name) && is_given(text)));
    (in_address || in_oracle || in_option).then_some(A_PASSWORD)
}

/// True for the text of an option or a login that is there, quotes aside, and not to be filled in.
fn is_given(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    let is_template = text.contains("${}") || text.starts_with([':', '%', '{']);
    let is_flag = ["true", "false"].contains(&text);
    !is_template && !is_flag && !harmless::is_harmless(text) && !harmless::is_location(text)
}
