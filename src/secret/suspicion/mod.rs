//! Whether a value looks like a secret in plain text: by the name of its key, by a shape that only secrets have, or
//! because it is long and random.
//!
//! A guess, and one that would rather miss a secret than cry wolf: people stop reading an audit that is often wrong.
//! What is said never holds the value. Nothing here reads files or knows their formats, comments aside.

mod harmless;
mod name;
mod randomness;
mod shape;

use std::fmt;

use name::Name;

/// Why a value is taken for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suspicion {
    /// The name of the key says that its value is this.
    Name(&'static str),
    /// The value is or holds this.
    Shape(&'static str),
    /// The value is long and random.
    Random,
}

impl fmt::Display for Suspicion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(what) => write!(out, "its name says {what}"),
            Self::Shape(what) => write!(out, "it holds {what}"),
            Self::Random => out.write_str("it is as long and random as keys and tokens are"),
        }
    }
}

/// How many placeholders around a default are looked through.
const NESTING: usize = 4;

/// Judges the text of a value at a key path such as `spring.datasource.password` or `tokens[0]`.
///
/// Of a placeholder its default is judged. A value that is sealed, hashed, or only says where the secret is, is none.
#[must_use]
pub fn suspicion(key: &str, value: &str) -> Option<Suspicion> {
    let mut value = value.trim();
    for _ in 0..NESTING {
        value = harmless::default_of_placeholder(value).map_or(value, str::trim);
    }
    if harmless::is_harmless(value) {
        return None;
    }
    let name = Name::of(key);
    let bare = harmless::without_placeholders(value);
    let shape = shape::token(value).or_else(|| shape::password_inside(&bare));
    shape
        .map(Suspicion::Shape)
        .or_else(|| name.secret(&bare).map(Suspicion::Name))
        .or_else(|| (!name.is_public() && randomness::is_random(value)).then_some(Suspicion::Random))
}

/// True if a comment on that line, counted from 1, or alone on the line before it, says `layerd: not a secret`. A reason
/// may follow.
#[must_use]
pub fn is_silenced(source: &str, line: u32) -> bool {
    let Some(index) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else { return false };
    let mut lines = source.lines().skip(index.saturating_sub(1));
    let before = if index == 0 { None } else { lines.next() };
    let is_comment = |line: &str| line.trim_start().strip_prefix(['#', '!']).is_some_and(is_mark);
    let ends_in_comment = |line: &str| {
        let mut signs = line.match_indices('#');
        signs.any(|(at, _)| (at == 0 || line[..at].ends_with([' ', '\t'])) && is_mark(&line[at + 1..]))
    };
    before.is_some_and(is_comment) || lines.next().is_some_and(ends_in_comment)
}

/// True for what follows the sign of a comment, if it begins with the mark.
fn is_mark(comment: &str) -> bool {
    let mut words = comment.split_whitespace();
    let begins = ["layerd:", "not", "a"].into_iter().all(|word| words.next() == Some(word));
    let rest = words.next().and_then(|word| word.strip_prefix("secret"));
    begins && rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said about each line of `key = value`, for those about which anything is.
    fn judged(lines: &str) -> String {
        let lines = lines.lines().filter(|line| !line.is_empty());
        let said = lines.map(|line| {
            let (key, value) = line.split_once(" = ").unwrap_or((line.trim_end_matches(" ="), ""));
            let why = suspicion(key, value).map_or_else(|| "fine".to_owned(), |why| why.to_string());
            format!("{line} | {why}\n")
        });
        said.collect()
    }

    fn assert_all(lines: &str, expected: &str) {
        let wrong: Vec<_> = lines
            .lines()
            .filter(|line| !line.is_empty())
            .filter(|line| !judged(line).ends_with(&format!("| {expected}\n")))
            .map(judged)
            .collect();
        assert!(wrong.is_empty(), "expected: {expected}\n{}", wrong.concat());
    }

    #[test]
    fn names_of_passwords_are_suspicious_with_any_value() {
        assert_all(
            "\
password = hunter2
spring.datasource.password = changeme
spring.datasource.hikari.password = 12345
SPRING_DATASOURCE_PASSWORD = x
spring.mail.properties[mail.smtp.password] = pa ss
server.ssl.keyStorePassword = changeit
server.ssl.key-password = secret
ldap.bindPassword = a/b
db.passwd = root
db_pwd = root
smtp.pass = x y
users[0].password = alice
passwords[1] = bob
passwords.alice = hunter2
dbpassword = x
password2 = x
password-old = x
default-password = admin
app.initialPassword = Start123
admin.password = {noop}admin
datenbank.passwort = geheim
redis.auth.password = /Qx9+a8B7c6D5e4F3==
password = ${DB_PASSWORD:hunter2}
password = ${DB_PASSWORD:${FALLBACK:hunter2}}
",
            "its name says password",
        );
        assert_all("key.passphrase = correct horse battery staple", "its name says pass phrase");
    }

    #[test]
    fn names_of_keys_and_tokens_are_suspicious() {
        for (lines, what) in [
            (
                "client-secret = s3cret\nclientSecret = s3cret\nsecret = abcd\napp.secrets[0] = abcd\nWEBHOOK_SECRET = x-y-z",
                "secret",
            ),
            (
                "token = abcdef\naccess_token = abcdef\nrefreshToken = abcdef\ngithub.token = abcdef\ntokens[3] = abcdef",
                "token",
            ),
            (
                "api-key = abcdef\napiKey = abcdef\nAPIKEY = abcdef\nx.api_key.value = abcdef\napi-keys[2] = abcdef",
                "API key",
            ),
            ("private-key = abcdef\nprivateKey = abcdef", "private key"),
            ("aws.secret-access-key = abcdef\nsecretKey = abcdef", "secret key"),
            ("azure.access-key = abcdef\nstorage.accountKey = abcdef", "access key"),
            (
                "encrypt.key = my pass phrase\njwt.signing-key = abcdef\nencryption-key = abcdef\nhmac.key = abcdef",
                "key",
            ),
            ("git.credential = abcdef\ncredentials = user/abcdef", "credential"),
        ] {
            assert_all(lines, &format!("its name says {what}"));
        }
    }

    #[test]
    fn shapes_are_suspicious_under_any_name() {
        // The `~` keeps these lines from being taken for secrets themselves.
        for (lines, what) in [
            ("x = -----BEGIN RSA PRIVATE KEY----- MIIE\ncert = a -----BEGIN PRIVATE KEY-----", "a private key"),
            ("x = AGE-SECRET-KEY-1QQPQ0EXAMPLE0EXAMPLE0EXAMPLE0EXAMPLE0EXAMPLE0EXAMPLE0EX", "a private key of age"),
            ("x = AK~IAIOSFODNN7EXAMPLE\nenv = id=AS~IAIOSFODNN7EXAMPLE", "an access key of AWS"),
            (
                "x = gh~p_0123456789abcdefghijABCDEFGHIJ012345\ny = gi~thub_pat_11AAAAAAA0123456789abcdef",
                "a token of GitHub",
            ),
            ("x = gl~pat-0123456789abcdefghij", "a token of GitLab"),
            (
                "x = xo~xb-123456789012-abcdefghijkl\nurl = https://ho~oks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXX",
                "a token of Slack",
            ),
            ("x = ey~JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ", "a JSON web token"),
            ("x = layerdkey_abcdefgh2jklmnopqrstuvwxyz", "a key of layerd"),
            ("x = sk~_live_0123456789abcdefghij", "a key of Stripe"),
            ("x = AI~zaSyA0123456789abcdefghijklmnopqrstuv", "a key of Google"),
            ("x = hv~s.CAESIJ0123456789abcdefghijklmn", "a token of Vault"),
            ("x = np~m_0123456789abcdefghijABCDEFGHIJ012345", "a token of npm"),
            (
                "header.authorization = Bearer 0123456789abcdefghij\nx = Basic dXNlcjpwYXNzd29yZA==",
                "credentials for HTTP",
            ),
        ] {
            assert_all(&lines.replace('~', ""), &format!("it holds {what}"));
        }
    }

    #[test]
    fn passwords_inside_of_other_values_are_found() {
        assert_all(
            "\
spring.data.mongodb.uri = mongodb://app:hunter2@db1,db2/orders
spring.rabbitmq.addresses = amqp://guest:${PASSWORD}@a,amqp://guest:guest@b
git.uri = https://oauth2:abcdef@git.example.org/x.git
redis.url = redis://:hunter2@cache:6379/0
url = jdbc:postgresql://db/x?user=app&password=hunter2&ssl=true
url = jdbc:sqlserver://db:1433;databaseName=x;user=sa;password=Passw0rd!;encrypt=true
url = jdbc:oracle:thin:scott/tiger@db:1521:x
connection-string = Server=db;Database=x;User Id=sa;Pwd=hunter2;
connection-string = DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abcdefghij==
options = -Xmx1g -Djavax.net.ssl.keyStorePassword=changeit
sasl.jaas.config = org.example.PlainLoginModule required username=\"alice\" password=\"alice-secret\";
dsn = host=db user=app password=hunter2 dbname=x
",
            "it holds a password or a key",
        );
    }

    #[test]
    fn long_random_texts_are_suspicious() {
        assert_all(
            "\
x = 8f14e45fceea167a5a36dedd4bea2543
x = q83vASNFZ4mrze8BI0VniavN7wEjRWeJ
x = Zk9+3vT/1cQ8mXr2LbWn5JyHs7Ud0Pe4GaKiOf6=
x = a8x2k9q4m7z1p5w3c6v0b2n8j4h7g1
",
            "it is as long and random as keys and tokens are",
        );
    }

    #[test]
    fn values_that_are_no_secrets_are_fine_whatever_their_name() {
        assert_all(
            "\
password =
password = ${DB_PASSWORD}
password = ${DB_PASSWORD:}
password = ${a.b:${c}}
password = prefix-${DB_PASSWORD}
password = {cipher}AQBhZG1pbg
password = {cipher}{v:1}{key:prod}{ctx:prop}q83vASNFZ4mrze8BI0VniavN7wEjRWeJ
password = <cipher>AQB</cipher>
password = ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]
password = ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)
password = {bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG
password = $2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG
password = ********
password = <your password>
password = @db.password@
password = %DB_PASSWORD%
password = $DB_PASSWORD
password = {{ .Values.password }}
password = #{systemProperties['password']}
password = vault:secret/data/app#password
password = op://vault/item/password
password = /run/secrets/db-password
password = file:/run/secrets/db
password = C:\\secrets\\db.txt
password = [redacted]
password = true
token = false
max-tokens = 4096
token = https://issuer.example.org/token
url = amqp://${USER:guest}:${PASSWORD}@host
url = https://git.example.org/config.git?ref=main
url = jdbc:postgresql://db:5432/orders?ssl=true&user=app
query = select * from users where name = ? and password=?
git.uri = ssh://git@git.example.org/x.git
mail.to = https://x:80/@someone
",
            "fine",
        );
    }

    #[test]
    fn names_that_only_sound_like_secrets_are_fine() {
        assert_all(
            "\
token-validity-seconds = 3600
tokenizer = whitespace-tokenizer
search.tokenizer.name = standard
secretary = Miss Moneypenny
password-policy.min-length = 8
password-file = db-password.txt
passwordEncoder = bcrypt
key-store-type = PKCS12
server.ssl.key-alias = tomcat
server.ssl.key-store = keystore.p12
token-uri = oauth/token
token-type = bearer
tokenUrl = x/y/z
secret-name = orders-db
secretRef = orders-db
existingSecret = orders-db
imagePullSecrets[0] = registry
secrets.on-failure = pin
secrets.keys[0].id = prod-2026a
credentials.username = x
access-key-id = key-of-the-app
api-key-header = X-Api-Key
primary-key = order_id
partition.key = region
public-key = not so secret
messages.password = Passwort
login.label.password = Enter it here
form.password = Password:
error.password = Das Passwort ist zu kurz
compass = north
bypass = always
passing = yes it does
passport.number = C01X00T47
nextToken = abcdef
password-reset.enabled = true
require-password = true
show-secrets = false
stop-token = </s>
tokens.audience = orders-api
passwords.min-length = 12
xsrf-token = XSRF-TOKEN
npm.variable = npm_config_registry_of_the_whole_company
region = ASIA-PACIFIC-NORTHEAST-REGION
logging.pattern = %d token=%X{token} password={}
nan.infinity = x
",
            "fine",
        );
    }

    #[test]
    fn long_texts_that_are_not_secret_are_fine() {
        assert_all(
            "\
id = 3f2504e0-4f89-11d3-9a0c-0305e82c3301
client-id = q83vASNFZ4mrze8BI0VniavN7wEjRWeJ
tenant = 3f2504e0-4f89-11d3-9a0c-0305e82c3301
commit = 8f14e45fceea167a5a36dedd4bea25438f14e45f
image.digest = sha256:8f14e45fceea167a5a36dedd4bea25438f14e45fceea167a5a36dedd4bea2543
checksum = 8f14e45fceea167a5a36dedd4bea2543
public-key = MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA7x
class = org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration
bean = simpleAsyncTaskExecutor2ConfigurationFactoryBean
bucket = cdk-hnb659fds-assets-123456789012-eu-west-1
host = orders-db-01.prod-2.eu-central-1.rds.internal.example.org
url = https://example.org/a8x2k9q4m7z1p5w3c6v0b2n8j4h7g1
path = /var/lib/orders/2024/01/31/data/v2
topic = orders.v2.created.by.customer.in.region.eu1
pattern = yyyy-MM-dd'T'HH:mm:ss.SSSXXX
cron = 0 0/15 9-17 * * MON-FRI
version = 1.2.3-rc.1+build.20240131
zeros = 00000000000000000000000000000000
number = 123456789012345678901234567890
words = the quick brown fox jumps over the lazy dog
underscored = MAXIMUM_NUMBER_OF_CONCURRENT_REQUESTS_V2
cert = -----BEGIN CERTIFICATE----- MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
",
            "fine",
        );
    }

    #[test]
    fn odd_keys_and_values_are_judged_without_fault() {
        for odd in [
            "",
            ".",
            "a..b",
            "[",
            "${",
            "${a",
            "}",
            "://",
            "://@",
            "a://:@",
            "=",
            "?=&=",
            "é://ü:ß@",
            "eyJ",
            "eyJ..",
            "-----BEGIN",
            "😀",
        ] {
            for other in ["", "password", odd] {
                assert_eq!(suspicion(other, odd), suspicion(other, odd));
                assert_eq!(suspicion(odd, other), suspicion(odd, other));
            }
        }
        let long = "${a:".repeat(50_000);
        assert_eq!(suspicion("x", &long), None);
        assert_eq!(suspicion("password", "${a:${b:${c:${d:x}}}}"), Some(Suspicion::Name("password")));
        assert_eq!(suspicion("password", &format!("{long}x{}", "}".repeat(50_000))), None);
    }

    #[test]
    fn a_mark_silences_its_own_line_and_the_next() {
        let source = "\
a: x # layerd: not a secret
b: x
# layerd: not a secret (an example)
c: x
d: x
  ! layerd: not  a secret: public
e=x
# layerd:not a secret
f: x
#layerd: not a secret, really
g: x
# layerd: not a secretary
h: x
i: x# layerd: not a secret
j: 'a # b' # layerd: not a secret
k: x\r
# layerd: not a secret\r
l: x\r
";
        let silenced: String = source
            .lines()
            .zip(1..)
            .filter(|(line, number)| {
                line.contains(['=', ':']) && !line.trim().starts_with(['#', '!']) && is_silenced(source, *number)
            })
            .filter_map(|(line, _)| line.chars().next())
            .collect();
        assert_eq!(silenced, "aceg".to_owned() + "jl");
        assert!(!is_silenced(source, 0) && !is_silenced(source, 99) && !is_silenced("", 1));
    }
}
