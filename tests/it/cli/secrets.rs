//! Sealed values on the command line: made, edited in files, and told about, without a server.
//!
//! Every test makes its own keys. Nonces are random, so the bodies of sealed values are told as `…`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::harness::folder::Folder;
use crate::harness::server::{Ran, Server, layerd, run};

/// What no output may hold unless it was asked to open something.
const CANARY: &str = "c4nary-in-the-mine";

/// A folder that is a repository, with keys beside it.
struct Vault {
    repository: Folder,
    keys: Folder,
}

impl Vault {
    /// With keys of these ids.
    fn with(ids: &[&str]) -> Self {
        let vault = Self { repository: Folder::new(), keys: Folder::new() };
        fs::create_dir(vault.repository.path().join(".git")).unwrap();
        for id in ids {
            let made = run(layerd(&["keygen", "--out", id]).current_dir(vault.keys.path()));
            assert_eq!(made.code, Some(0), "{made}");
        }
        vault
    }

    /// Runs a command in the repository, with `@id` for `--keys id=<its file>`.
    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let args: Vec<String> = args.iter().map(|arg| self.argument(arg)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = layerd(&args);
        command.current_dir(self.repository.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended already.
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        Ran::new(&child.wait_with_output().unwrap())
    }

    fn argument(&self, arg: &str) -> String {
        match arg.strip_prefix('@') {
            Some(id) => format!("--keys={id}={}", self.keys.path().join(id).display()),
            None => arg.to_owned(),
        }
    }

    /// A file with the bodies of its sealed values as `…`.
    fn told(&self, path: &str) -> String {
        normal(&self.repository.read(path))
    }

    /// A sealed value.
    fn sealed(&self, args: &[&str], value: &str) -> String {
        let ran = self.run_with(&[&["encrypt"], args].concat(), value);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
        ran.stdout.trim_end().to_owned()
    }
}

/// The text with the bodies of envelopes as `…`.
fn normal(text: &str) -> String {
    let mut parts = text.split("{ctx:");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (context, rest) = part.split_once('}').unwrap();
        let body = rest.find(|char: char| !char.is_ascii_alphanumeric() && !"-_".contains(char)).unwrap_or(rest.len());
        out.push_str(&format!("{{ctx:{context}}}…{}", &rest[body..]));
    }
    out
}

fn printed(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.stdout, &ran.stderr)
}

const PLACE: [&str; 6] = ["--application", "user", "--profile", "production", "--key", "db.password"];

#[test]
fn a_value_is_sealed_for_its_place_and_opens_there_alone() {
    let vault = Vault::with(&["one"]);
    let sealed = vault.sealed(&[&PLACE[..], &["@one"]].concat(), &format!("{CANARY}\n"));
    assert_eq!(normal(&sealed), "{cipher}{v:2}{key:one}{ctx:prop}…");
    let again = vault.sealed(&[&PLACE[..], &["@one"]].concat(), CANARY);
    assert_ne!(sealed, again, "equal values must not look equal");
    for quoted in [sealed.clone(), format!("'{sealed}'\n"), format!(" \"{sealed}\"")] {
        let opened = vault.run_with(&[&["decrypt"], &PLACE[..], &["@one"]].concat(), &quoted);
        assert_eq!(printed(&opened), (Some(0), &*format!("{CANARY}\n"), ""));
    }
    let elsewhere = vault.run_with(&["decrypt", "--application", "user", "--key", "db.password", "@one"], &sealed);
    let told = "error: the sealed value does not open with key `one`\nhint: if its key or file was renamed, run \
                `layerd secrets rebind`; if it was copied, seal it again for this place\n";
    assert_eq!(printed(&elsewhere), (Some(1), "", told));
}

#[test]
fn a_value_may_be_bound_to_its_application_or_to_nothing() {
    let vault = Vault::with(&["one"]);
    let of_app = vault.sealed(&["--context", "app", "--application", "user", "@one"], "x");
    let opened = vault.run_with(&["decrypt", "--application", "user", "@one"], &of_app);
    assert_eq!(printed(&opened), (Some(0), "x\n", ""));
    assert_eq!(vault.run_with(&["decrypt", "--application", "shop", "@one"], &of_app).code, Some(1));
    let of_any = vault.sealed(&["--context", "any", "@one"], "x");
    assert_eq!(printed(&vault.run_with(&["decrypt", "@one"], &of_any)), (Some(0), "x\n", ""));
}

#[test]
fn without_a_key_nothing_is_sealed_or_opened() {
    let vault = Vault::with(&["one", "two"]);
    let told = "error: there is no key to seal with\nhint: name the keys with --keys ID=FILE, or the settings that name \
                them with --settings FILE\n";
    let ran = vault.run_with(&["encrypt", "--context", "any"], CANARY);
    assert_eq!(printed(&ran), (Some(2), "", told));
    let sealed = vault.sealed(&["--context", "any", "@one"], CANARY);
    let ran = vault.run_with(&["decrypt"], &sealed);
    let hint = told.split_once('\n').unwrap().1;
    let expected = format!("error: the value is sealed with key `one`, and no key was named\n{hint}");
    assert_eq!(printed(&ran), (Some(1), "", &*expected));
    let ran = vault.run_with(&["decrypt", "@two"], &sealed);
    let expected = format!("error: the sealed value names key `one`, which is not among the keys\n{hint}");
    assert_eq!(printed(&ran), (Some(1), "", &*expected));
}

#[test]
fn values_are_sealed_and_opened_where_they_stand() {
    let vault = Vault::with(&["one"]);
    let path = "user/application-production.yml";
    let before = format!(
        "# Who may in.\ndb:\n  password: {CANARY} # rotate yearly\n  port:   5432\nlist: [a, \"b: ${{c}}\"]\n---\ndb.password: x\n"
    );
    vault.repository.file(path, &before);
    fs::set_permissions(vault.repository.path().join(path), fs::Permissions::from_mode(0o640)).unwrap();
    let ran = vault.run(&["encrypt", "--in-place", path, "db.password", "list[1]", "db.port", "@one"]);
    let expected = (
        Some(0),
        "user/application-production.yml:3 db.password is sealed\n\
         user/application-production.yml:7 db.password is sealed\n\
         user/application-production.yml:5 list[1] is sealed\n\
         user/application-production.yml:4 db.port is sealed\n",
        "note: the placeholder in `list[1]` is not filled in any more\n\
         note: `db.port` was no text, and is served as text from now on\n",
    );
    assert_eq!(printed(&ran), expected);
    let sealed = "'{cipher}{v:2}{key:one}{ctx:prop}…'";
    let after = format!(
        "# Who may in.\ndb:\n  password: {sealed} # rotate yearly\n  port:   {sealed}\nlist: [a, {sealed}]\n---\ndb.password: {sealed}\n"
    );
    assert_eq!(vault.told(path), after);
    let mode = fs::metadata(vault.repository.path().join(path)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    let one = vault.run(&["decrypt", path, "list[1]", "@one"]);
    assert_eq!(printed(&one), (Some(0), "b: ${c}\n", ""));
    let ran = vault.run(&["decrypt", "--in-place", path, "db.password", "list[1]", "db.port", "@one"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let quoted = before.replace(CANARY, &format!("'{CANARY}'")).replace("5432", "'5432'").replace('"', "'");
    assert_eq!(vault.repository.read(path), quoted.replace("password: x", "password: 'x'"));
    assert_eq!(fs::read_dir(vault.repository.path().join("user")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn what_stands_in_a_file_is_sealed_character_by_character() {
    let vault = Vault::with(&["one"]);
    let plain = ["0042", "1.10", "1e3", "+7", "0x1F", "0o17", ".5", "-0", "True", "no", "2024-01-01", "1_000"];
    let lines =
        |plain: &[&str]| plain.iter().enumerate().map(|(at, text)| format!("k{at}: {text} # c\n")).collect::<String>();
    vault.repository.file("user.yml", &lines(&plain));
    vault.repository.file("shop.json", "{\"k0\": 1.10, \"k1\": 1E4, \"k2\": true, \"k3\": \"a\\u0041\", \"k4\": \"\"}");
    vault.repository.file("team.properties", "k0=0042\nk1 : a\\ b \nk2=\n");
    vault.repository.file("text.yml", "k0: 'it''s'\nk1: \"\\u0041\\n\"\nk2: |\n  0042\nk3: ''\nk4: !!str 0042\n");
    let texts: [(&str, &[&str]); 4] = [
        ("user.yml", &plain),
        ("shop.json", &["1.10", "1E4", "true", "aA", ""]),
        ("team.properties", &["0042", "a b ", ""]),
        ("text.yml", &["it's", "A\n", "0042\n", "", "0042"]),
    ];
    for (path, texts) in texts {
        for (at, text) in texts.iter().enumerate() {
            let key = format!("k{at}");
            let ran = vault.run(&["encrypt", "--in-place", path, &key, "@one"]);
            if ran.code == Some(0) {
                let opened = vault.run(&["decrypt", path, &key, "@one"]);
                assert_eq!(printed(&opened), (Some(0), &*format!("{text}\n"), ""), "{path} {key}: {ran}");
            } else {
                assert!(text.is_empty() && vault.repository.read(path).contains(&key), "{path} {key}: {ran}");
            }
        }
    }
    vault.repository.file("user.yml", "a: 0042\n");
    let ran = vault.run(&["encrypt", "--in-place", "user.yml", "a", "@one"]);
    let told =
        "note: `a` was read as another value than it is written, and is served as it is written from now on, as text\n";
    assert_eq!(printed(&ran), (Some(0), "user.yml:1 a is sealed\n", told));
    let rendered = vault.run(&["render", "user", "--repo", ".", "@one"]);
    assert_eq!(rendered.stdout, "{\"a\":\"0042\"}\n");
}

#[test]
fn a_file_that_cannot_be_sealed_is_left_alone() {
    let vault = Vault::with(&["one"]);
    let sealed = vault.sealed(&["--context", "any", "@one"], "x");
    let text = format!("a: '{sealed}'\nb: {CANARY}\nc:\nd: &d {CANARY}\ne: *d\nm: {{n: 1}}\n");
    vault.repository.file("user.yml", &text).file("docs/readme.yml", "a: 1\n").file("broken.yml", "a: [\n");
    for (args, code, told) in [
        (
            &["user.yml", "b", "a"][..],
            1,
            "user.yml: `a` is sealed already\nhint: nothing was changed; leave the key out, or open it first with \
             `layerd decrypt --in-place`",
        ),
        (&["user.yml", "c"], 1, "user.yml:3: `c` has no value that could be sealed"),
        (
            &["user.yml", "d"],
            1,
            "user.yml: `e` repeats `d` through an alias, and a value that is bound to one key does not open at the \
             other\nhint: write a value of its own at `e`, or bind it to the application with --context app",
        ),
        (
            &["user.yml", "m"],
            1,
            "user.yml: `m` is a map or a list\nhint: name one value below it, such as `m.name` or `m[0]`",
        ),
        (
            &["user.yml", "x"],
            1,
            "user.yml: the file has no key `x`\nhint: name it with all its parents, such as `spring.datasource.password`",
        ),
        (&["broken.yml", "a"], 1, "broken.yml: line 1, column 4: a bracket is not closed"),
        (&["nowhere.yml", "a"], 2, "`nowhere.yml` cannot be read: No such file or directory (os error 2)"),
    ] {
        let ran = vault.run(&[&["encrypt", "--in-place", "@one"], args].concat());
        assert_eq!(printed(&ran), (Some(code), "", &*format!("error: {told}\n")), "{args:?}");
    }
    let foreign = vault.run(&["encrypt", "--in-place", "docs/readme.yml", "a", "@one"]);
    assert!(foreign.stderr.contains("is a file that no application is answered from\nhint: "), "{foreign}");
    assert_eq!(vault.repository.read("user.yml"), text);
    let of_app = vault.run(&["encrypt", "--in-place", "user.yml", "d", "--context", "app", "@one"]);
    assert_eq!(of_app.code, Some(0), "{of_app}");
}

#[test]
fn the_place_of_a_file_hangs_on_the_root() {
    let vault = Vault::with(&["one"]);
    vault.repository.file("config/user/application.yml", "a: 1\n").file("shared/user.yml", "a: 1\n");
    let by_root = ["encrypt", "--in-place", "config/user/application.yml", "a", "--root", "config", "@one"];
    assert_eq!(vault.run(&by_root).code, Some(0));
    let opened = vault.run(&["render", "user", "--repo", "config", "@one"]);
    assert_eq!(printed(&opened), (Some(0), "{\"a\":\"1\"}\n", ""));
    let paths = ["--search-paths", "shared"];
    assert_eq!(
        vault.run(&[&["encrypt", "--in-place", "shared/user.yml", "a", "@one"], &paths[..]].concat()).code,
        Some(0)
    );

    fs::remove_dir(vault.repository.path().join(".git")).unwrap();
    let lost = vault.run(&["encrypt", "--in-place", "shared/user.yml", "a", "@one"]);
    let told = "error: no folder above `shared/user.yml` is a Git repository\nhint: name the root of the configuration \
                with --root DIR\n";
    assert_eq!(printed(&lost), (Some(2), "", told));
}

#[test]
fn links_are_not_written_through() {
    let vault = Vault::with(&["one"]);
    vault.repository.file("user.yml", "a: x\n").symlink("shop.yml", "user.yml");
    let linked = vault.run(&["encrypt", "--in-place", "shop.yml", "a", "@one"]);
    let told = "error: `shop.yml` is a symbolic link\nhint: name the file that it leads to: what a value is bound to is \
                where that file stands\n";
    assert_eq!(printed(&linked), (Some(2), "", told));
    assert_eq!(vault.run(&["encrypt", "--in-place", "user.yml", "a", "@one"]).code, Some(0));
    let listed = vault.run(&["secrets", "list", "@one"]);
    assert_eq!(printed(&listed), (Some(0), "user.yml:1:4: a  one  prop  opens\n", "1 sealed value\n"));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let vault = Vault::with(&["one"]);
    let path = vault.keys.path().join("one");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let ran = vault.run_with(&["encrypt", "--context", "any", "@one"], CANARY);
    let path = path.display();
    let told = format!(
        "error: `{path}` can be read by others (mode 0644)\nhint: `chmod 600` makes it private; in Kubernetes set \
         `defaultMode: 0400` and, for a server that is not root, `fsGroup`\n"
    );
    assert_eq!(printed(&ran), (Some(2), "", &*told));
}

#[test]
fn a_rotation_leaves_what_does_not_open_and_comes_to_an_end() {
    let vault = Vault::with(&["old", "new"]);
    let sealed = |application: &str, key: &str| {
        vault.sealed(&["--application", application, "--key", key, "@old"], &format!("{CANARY}-{key}"))
    };
    let (a, b, any) = (sealed("user", "a"), sealed("user", "l[]"), vault.sealed(&["--context", "any", "@old"], CANARY));
    vault.repository.file("user/application.yml", &format!("a: '{a}' # mine\nl:\n  - '{b}'\n  - x\n"));
    vault.repository.file("shop.properties", &format!("b={any}\nmoved={a}\n")).file("z.json", "{\"a\":1}");
    vault.repository.file("broken.yml", "a: [\n");
    let ran = vault.run(&["rotate", "old", "new", "@old", "@new"]);
    let complaints = "error: broken.yml: line 1, column 4: a bracket is not closed\n\
                      error: `moved`: the sealed value does not open with key `old`\n  at shop.properties:2:7\n\
                      hint: if its key or file was renamed, run `layerd secrets rebind`; if it was copied, seal it again for \
                      this place\n3 values sealed anew in 2 files, 1 value left as they are\n";
    assert_eq!(printed(&ran), (Some(1), "shop.properties: 1 value\nuser/application.yml: 2 values\n", complaints));
    let (prop, of_any) = ("{cipher}{v:2}{key:new}{ctx:prop}…", "{cipher}{v:2}{key:new}{ctx:any}…");
    assert_eq!(vault.told("user/application.yml"), format!("a: '{prop}' # mine\nl:\n  - '{prop}'\n  - x\n"));
    assert_eq!(vault.told("shop.properties"), format!("b={of_any}\nmoved={}\n", normal(&a)));

    vault.repository.delete("broken.yml").file("shop.properties", "");
    let again = vault.run(&["rotate", "old", "new", "@old", "@new"]);
    assert_eq!(printed(&again), (Some(0), "", "0 values sealed anew in 0 files\n"));
    let rendered = vault.run(&["render", "user", "--repo", ".", "@new"]);
    let expected = format!("{{\"a\":\"{CANARY}-a\",\"l\":[\"{CANARY}-l[]\",\"x\"]}}\n");
    assert_eq!(printed(&rendered), (Some(0), &*expected, ""));
}

#[test]
fn a_rotation_needs_both_keys() {
    let vault = Vault::with(&["old", "new"]);
    let told = |args: &[&str]| vault.run(&[&["rotate"], args].concat()).stderr;
    let first = |args: &[&str]| told(args).lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(&["old", "new", "@old"]), "error: there is no key `new` to encrypt with");
    assert_eq!(first(&["old", "new", "@new"]), "error: there is no key `old` to open with");
    assert_eq!(first(&["old", "old", "@old"]), "error: the old and the new key are the same");
    assert_eq!(first(&["Old", "new", "@new"]), "error: `Old`: the id of a key is 1 to 32 of a-z, 0-9 and -");
}

#[test]
fn sealed_values_are_listed_with_what_is_known_of_them() {
    let vault = Vault::with(&["one", "two"]);
    let prop = vault.sealed(&["--application", "user", "--key", "db.password", "@one"], CANARY);
    let any = vault.sealed(&["--context", "any", "@two"], CANARY);
    let user = format!("db.password: '{prop}'\nui: {{banner: '{prop}'}}\nx: '{any}'\nbad: '{{cipher}}zz'\nplain: x\n");
    vault.repository.file("user.yml", &user).file("notes/other.yml", &format!("a: '{prop}'\n"));
    let ran = vault.run(&["secrets", "list", "@one"]);
    let expected = "\
user.yml:1:14: db.password  one  prop  opens
  the same stands at user.yml:2:14: ui.banner
user.yml:2:14: ui.banner  one  prop  does not open
  the sealed value does not open with key `one`
  the same stands at user.yml:1:14: db.password
user.yml:3:4: x  two  any  does not open
  the sealed value names key `two`, which is not among the keys
user.yml:4:6: bad  -  malformed  does not open
  the sealed value is malformed: it is neither an envelope nor hexadecimal digits
";
    let summary = "4 sealed values, 3 not opening, 2 standing in several places, 1 opening wherever they are copied\n";
    assert_eq!(printed(&ran), (Some(1), expected, summary));

    vault.repository.file("user.yml", &format!("db.password: '{prop}'\n"));
    let unknown = vault.run(&["secrets", "list", "--format", "json"]);
    let json = "{\"values\":[{\"file\":\"user.yml\",\"line\":1,\"column\":14,\"key\":\"db.password\",\"sealed-with\":\"one\",\
                \"context\":\"prop\",\"opens\":null,\"reason\":null,\"copies\":[]}]}\n";
    assert_eq!(printed(&unknown), (Some(0), json, "1 sealed value\n"));
}

#[test]
fn an_audit_tells_where_a_secret_stands_and_nothing_of_it() {
    let vault = Vault::with(&[]);
    let sealed = "{cipher}4b0febebd439db7ca77153cb254520c3b7232ac29355d07869433f1ecf55fe94";
    let text = format!(
        "db.password: {CANARY}\nmail.password: {CANARY} # layerd: not a secret (an example)\nold.password: '{sealed}'\n\
         # layerd: not a secret\na.password: {CANARY}\nport: 5432\n"
    );
    vault.repository.file("user/application.yml", &text).file("README.yml.md", &text);
    let ran = vault.run(&["secrets", "audit"]);
    let found = "user/application.yml:1:14: db.password: its name says password\n";
    assert_eq!(printed(&ran), (Some(1), found, "1 value looks like a secret in plain text\n"));
    let json = vault.run(&["secrets", "audit", ".", "--format", "json"]);
    let expected = "{\"findings\":[{\"file\":\"user/application.yml\",\"line\":1,\"column\":14,\"key\":\"db.password\",\
                    \"reason\":\"its name says password\"}]}\n";
    assert_eq!(json.stdout, expected);
    vault.repository.file("user/application.yml", "a: 1\n");
    let clean = vault.run(&["secrets", "audit"]);
    assert_eq!(printed(&clean), (Some(0), "", "nothing looks like a secret in plain text\n"));
}

#[test]
fn springs_values_become_our_own_in_place() {
    let vault = Vault::with(&["one"]);
    let phrase = vault.keys.path().join("phrase");
    fs::write(&phrase, "foo\n").unwrap();
    fs::set_permissions(&phrase, fs::Permissions::from_mode(0o600)).unwrap();
    let spring = "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";
    let other = "4b0febebd439db7ca77153cb254520c3b7232ac29355d07869433f1ecf55fe94";
    vault.repository.file("user.yml", &format!("a: '{{cipher}}{spring}' # a\nb: '{{cipher}}{{key:x}}{spring}'\n"));
    vault.repository.file("application.properties", &format!("c={{cipher}}{spring}\nd={{cipher}}{other}\n"));
    let phrase = phrase.to_str().unwrap();
    let migrate = ["secrets", "migrate", "--context", "app", "--spring-key-file", phrase];
    let keyless = vault.run(&migrate);
    assert_eq!((keyless.code, keyless.stderr.lines().next()), (Some(2), Some("error: there is no key to seal with")));
    let ran = vault.run(&[&migrate[..], &["@one"]].concat());
    let told = "error: `d`: the sealed value does not open with the pass phrase in Spring's form\n  at \
                application.properties:2:3\nhint: check the pass phrase and the salt, or seal the value again\n\
                3 values sealed anew in 2 files, 1 value left as they are\n";
    assert_eq!(printed(&ran), (Some(1), "application.properties: 1 value\nuser.yml: 2 values\n", told));
    let (prop, app) = ("{cipher}{v:2}{key:one}{ctx:prop}…", "{cipher}{v:2}{key:one}{ctx:app}…");
    assert_eq!(vault.told("application.properties"), format!("c={prop}\nd={{cipher}}{other}\n"));
    assert_eq!(vault.told("user.yml"), format!("a: '{app}' # a\nb: '{app}'\n"));
    let opened = vault.run(&["decrypt", "user.yml", "b", "@one"]);
    assert_eq!(printed(&opened), (Some(0), "mysecret\n", ""));
}

#[test]
fn a_rebind_takes_nothing_but_what_went_the_way_that_it_is_told() {
    let vault = Vault::with(&["one"]);
    let password = vault.sealed(&["--application", "user", "--key", "datasource.password", "@one"], CANARY);
    let text = format!("db:\n  password: '{password}'\nui.banner: '{password}'\n");
    vault.repository.file("user/application.yml", &text);
    let rebind = |args: &[&str]| vault.run(&[&["secrets", "rebind", "@one"], args].concat());
    let other = rebind(&["--key", "spring.datasource=db"]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(1), ""), "{other}");
    assert_eq!(vault.repository.read("user/application.yml"), text);
    let ran = rebind(&["--key", "datasource=db"]);
    let told = "1 value sealed anew in 1 file\n";
    assert_eq!(printed(&ran), (Some(0), "user/application.yml:2: db.password\n", told));
    let opened = vault.run(&["decrypt", "user/application.yml", "db.password", "@one"]);
    assert_eq!(printed(&opened), (Some(0), &*format!("{CANARY}\n"), ""));
    assert!(vault.repository.read("user/application.yml").contains(&format!("ui.banner: '{password}'")));

    let moved = format!("datasource.password: '{password}'\n");
    vault.repository.delete("user").file("account/application.yml", &moved).file("other.yml", &moved);
    let ran = rebind(&["--file", "user.yml=account/application.yml"]);
    assert_eq!(printed(&ran), (Some(0), "account/application.yml:1: datasource.password\n", told));
    assert_eq!(vault.repository.read("other.yml"), moved);
    for args in [&["--file", "user.yml"][..], &["--key", "=a"], &["--file", "user.yml=docs/x.yml"]] {
        assert_eq!(rebind(args).code, Some(2), "{args:?}");
    }
}

#[test]
fn values_of_version_1_are_named_and_renewed() {
    let vault = Vault::with(&["prod"]);
    // Its application and profile were one text, `shop-prod`.
    let key = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";
    fs::write(vault.keys.path().join("prod"), key).unwrap();
    let value = "{cipher}{v:1}{key:prod}{ctx:prop}AAECAwQFBgcICQoLDA0ODxAREhMUFRYX5BFjDcu_-aOLWQBznkbFq6XkQ04cg6AwJcnmis4tALF\
                 8f__sM3nlcI_2AE9wHSU7ViQQbAu8jvULcm-E_5lis84cHNlF66o5TvIkvIBR9IA";
    let text = format!("db:\n- password: '{value}' # mine\n");
    vault.repository.file("shop/application-prod.yml", &text).file("shop-prod/application.yml", &text);
    let audit = vault.run(&["secrets", "audit"]);
    let reason = "it is sealed in version 1, which binds to `shop-prod` as one text and opens where that is read otherwise: \
                  run `layerd secrets rebind`";
    let found = format!(
        "shop-prod/application.yml:2:13: db[0].password: {reason}\nshop/application-prod.yml:2:13: db[0].password: {reason}\n"
    );
    let told = "2 sealed values of version 1 open in other places too\nnothing looks like a secret in plain text\n";
    assert_eq!(printed(&audit), (Some(1), &*found, told));
    let validated = vault.run(&["validate", "."]);
    assert_eq!(validated.stdout.matches("cipher-doubtful").count(), 2, "{validated}");

    vault.repository.delete("shop-prod");
    let ran = vault.run(&["secrets", "rebind", "@prod"]);
    assert_eq!(
        printed(&ran),
        (Some(0), "shop/application-prod.yml:2: db[0].password\n", "1 value sealed anew in 1 file\n")
    );
    let renewed = "db:\n- password: '{cipher}{v:2}{key:prod}{ctx:prop}…' # mine\n";
    assert_eq!(vault.told("shop/application-prod.yml"), renewed);
    let text = vault.repository.read("shop/application-prod.yml");
    let opened = vault.run(&["decrypt", "shop/application-prod.yml", "db[0].password", "@prod"]);
    assert_eq!(opened.stdout, "hunter2-hunter2-hunter2-hunter2-hunter2\n", "{opened}");
    vault.repository.file("shop-prod/application.yml", &text).file("shop-prod.yml", &text);
    for copy in ["shop-prod/application.yml", "shop-prod.yml"] {
        let opened = vault.run(&["decrypt", copy, "db[0].password", "@prod"]);
        assert_eq!((opened.code, opened.stdout.as_str()), (Some(1), ""), "{copy}");
    }
    assert_eq!(printed(&vault.run(&["secrets", "audit"])).0, Some(0));
}

#[test]
fn a_file_whose_name_is_in_doubt_is_named_to_seal_for_it() {
    let vault = Vault::with(&["one"]);
    let of_file = vault.sealed(&["--file", "user-service.yml", "--key", "a", "@one"], CANARY);
    let of_parts = vault.sealed(&["--application", "user-service", "--key", "a", "@one"], CANARY);
    vault.repository.file("user-service.yml", &format!("a: '{of_file}'\n"));
    vault.repository.file("user-service/application.yml", &format!("a: '{of_parts}'\n"));
    let rendered = vault.run(&["render", "user-service", "--repo", ".", "@one"]);
    assert_eq!(printed(&rendered), (Some(0), &*format!("{{\"a\":\"{CANARY}\"}}\n"), ""));
    vault.repository.file("user-service.yml", &format!("a: '{of_parts}'\n"));
    let refused = vault.run(&["decrypt", "user-service.yml", "a", "@one"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("can be read in two ways"), "{refused}");
    let ran = vault.run_with(&["encrypt", "--file", "docs/x.yml", "--key", "a", "@one"], "x");
    assert!(ran.code == Some(2) && ran.stderr.starts_with("error: --file: no application is answered from"), "{ran}");
}

#[test]
fn a_repository_is_rendered_open_and_explained_in_stars() {
    let vault = Vault::with(&["one"]);
    let sealed = vault.sealed(&["--application", "user", "--key", "a", "@one"], CANARY);
    vault.repository.file("user.yml", &format!("a: '{sealed}'\n")).file("application.yml", "a: 1\n");
    let rendered = vault.run(&["render", "user", "--repo", ".", "@one"]);
    assert_eq!(printed(&rendered), (Some(0), &*format!("{{\"a\":\"{CANARY}\"}}\n"), ""));
    let shut = vault.run(&["render", "user", "--repo", "."]);
    let told = "error: user.yml:1:4: `a`: the value is sealed with key `one`, and no key was named\nhint: name the keys \
                with --keys ID=FILE, or the settings that name them with --settings FILE\n";
    assert_eq!(printed(&shut), (Some(1), "", told));
    for keys in [&["@one"][..], &[]] {
        let explained = vault.run(&[&["explain", "user", "--repo", "."], keys].concat());
        let rest = explained.stdout.split_once('\n').unwrap().1;
        assert_eq!(rest, "a = \"***\"\n  user.yml:1:4\n  hides 1 application.yml:1:4\n", "{explained}");
    }
    let served = vault.run(&["explain", "user", "--server", "http://127.0.0.1:1", "@one"]);
    assert_eq!(served.code, Some(2));
}

#[test]
fn keys_and_search_paths_may_come_from_the_settings_of_the_server() {
    let vault = Vault::with(&["one", "two"]);
    let settings = vault.keys.path().join("layerd.yaml");
    let text = "sources: [{dir: /srv/config, search-paths: [shared]}]\nsecrets:\n  keys:\n    - {id: one, file: one}\n    \
                - {id: two, file: two}\n  encrypt-with: two\n";
    fs::write(&settings, text).unwrap();
    let settings = settings.to_str().unwrap();
    vault.repository.file("shared/application.yml", "a: x\n");
    let ran = vault.run(&["encrypt", "--in-place", "shared/application.yml", "a", "--settings", settings]);
    assert_eq!(printed(&ran), (Some(0), "shared/application.yml:1 a is sealed\n", ""));
    assert_eq!(vault.told("shared/application.yml"), "a: '{cipher}{v:2}{key:two}{ctx:prop}…'\n");
    let back = vault.run(&["rotate", "two", "one", "--settings", settings]);
    assert_eq!(printed(&back), (Some(0), "shared/application.yml: 1 value\n", "1 value sealed anew in 1 file\n"));
    let named = vault.run(&["secrets", "list", "--settings", settings, "@two"]);
    assert_eq!(named.code, Some(1), "the keys of the command line are the only ones: {named}");
}

#[test]
fn plain_text_is_in_no_output_that_was_not_asked_for_it() {
    let vault = Vault::with(&["one", "two"]);
    let sealed = vault.sealed(&["--application", "user", "--key", "a", "@one"], CANARY);
    vault.repository.file("user.yml", &format!("a: '{sealed}'\nb: '{sealed}'\npassword: {CANARY}\n"));
    vault.repository.file("broken.yml", &format!("a: [{CANARY}\n"));
    for args in [
        &["secrets", "list", "@one"][..],
        &["secrets", "audit"],
        &["secrets", "rebind", "--key", "a=b", "@one"],
        &["rotate", "one", "two", "@one", "@two"],
        &["encrypt", "--in-place", "user.yml", "password", "@one"],
        &["encrypt", "--in-place", "user.yml", "password.x", "@one"],
        &["encrypt", "--in-place", "broken.yml", "a", "@one"],
        &["decrypt", "user.yml", "a"],
        &["decrypt", "--in-place", "user.yml", "a", "@one"],
        &["explain", "user", "--repo", ".", "@two"],
    ] {
        let ran = vault.run_with(args, CANARY);
        assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{args:?} {ran}");
    }
}

#[test]
fn what_the_command_line_has_sealed_the_server_opens() {
    let vault = Vault::with(&["one"]);
    let settings = vault.keys.path().join("layerd.yaml");
    fs::write(&settings, "secrets: {keys: [{id: one, file: one}]}\n").unwrap();
    vault.repository.file("user/application.yml", &format!("db: {{password: {CANARY}}}\n"));
    assert_eq!(vault.run(&["encrypt", "--in-place", "user/application.yml", "db.password", "@one"]).code, Some(0));
    let server = Server::start(&["serve", vault.repository.arg(), "--settings", settings.to_str().unwrap()]);
    let answer = server.get("/api/v1/config/user");
    assert_eq!(answer.text(), format!("{{\"db\":{{\"password\":\"{CANARY}\"}}}}"));
    assert!(server.get("/api/v1/explain/user/default").text().contains("\"value\":\"***\""));
}
