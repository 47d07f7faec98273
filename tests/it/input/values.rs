//! Faults of single values and keys, and of `.properties` and JSON files (rows E17, E19, E20, E22, E23 and E24 of the list
//! of bad inputs): what cannot be served exactly is refused, never rounded, cut or turned into null.
//!
//! What is done with each file is in `bad_e.rs`; what the valid twins of these mean is in `bad_e_meaning.rs`.

use crate::input::broken::Faults;

// What the hints say.
const KEEP_ONE: &str = "keep one of the two";
const AS_UTF8: &str = "save the file as UTF-8";
const SPLIT: &str = "split the file";
const SPLIT_OR_RAISE: &str = "split the file, or raise `limits.file` in the settings of the server";
const SPLIT_OR_RAISE_DOCUMENTS: &str = "split the file, or raise `limits.documents` in the settings of the server";
const NEST_LESS: &str = "nest less, or raise `limits.depth` in the settings of the server";
const EXPRESSIONS: &str = "write `a & (b | c)`, `!a`, or a list of expressions of which one must hold";
const QUOTE_NUMBER: &str = "quote it if it is a text";
const QUOTE_KEY: &str = "quote the key if it is a text";
const NO_NAN: &str = "JSON has neither NaN nor Infinity";
const WRITE_MERGE: &str = "write `<<: *anchor`, or quote the key if it is not to merge";
const MERGE_LIST: &str = "merge several maps with one key: `<<: [*first, *second]`";
const BACKSLASH: &str = "write a backslash in a value as `\\\\`";
const OWN_KEY: &str = "give the value a key of its own, or remove it";
const FROM_0: &str = "number the items from 0, leaving none out";
const BOTH_HALVES: &str = "write both halves one after the other, or the character itself";
const ONE_KIND: &str = "use either indexes or names below it";
const NO_COMMENTS: &str = "JSON has no comments; a `.yml` file has";
const NO_COMMA: &str = "remove the comma before the closing bracket";
const PAIRS: &str = "write surrogates in pairs, or the character itself";
const DOUBLE_QUOTES: &str = "use double quotes";
const NONE: &str = "";

#[test]
fn bad_e17_documents_without_end_and_profiles_that_cannot_be_read() {
    let on_profile = |text: &str| format!("a: 1\n---\nspring.config.activate.on-profile: {text}\nb: 2\n");
    Faults::new()
        .file(
            "e17.yml",
            "a: 1\n---\n".repeat(10_000),
            "200:1 too-many-documents: the file has more documents than the 100 of `limits.documents`",
            SPLIT,
        )
        .file(
            "e17_one_more.yml",
            "---\na: 1\n".repeat(101),
            "201:1 too-many-documents: the file has more documents than the 100 of `limits.documents`",
            SPLIT,
        )
        .file(
            "e17_flat.properties",
            "a=1\n#---\n".repeat(200),
            "201:1 too-many-documents: the file has more than the 100 documents allowed",
            SPLIT_OR_RAISE_DOCUMENTS,
        )
        .file(
            "e17_mixed.yml",
            on_profile("a & b | c"),
            "3:36 profile-expression: `a & b | c` is not a profile expression: `&` and `|` need parentheses",
            EXPRESSIONS,
        )
        .file(
            "e17_open.yml",
            on_profile("(a"),
            "3:36 profile-expression: `(a` is not a profile expression: a parenthesis is not closed",
            EXPRESSIONS,
        )
        .file(
            "e17_nothing.yml",
            on_profile("\"!\""),
            "3:36 profile-expression: `!` is not a profile expression: a profile is missing",
            EXPRESSIONS,
        )
        .file(
            "e17_map.yml",
            on_profile("{a: 1}"),
            "3:36 profile-expression: `spring.config.activate.on-profile` takes an expression or a list of expressions",
            NONE,
        )
        .file(
            "e17_flat_mixed.properties",
            "a=1\n#---\nspring.config.activate.on-profile=a&b|c\n",
            "3:35 profile-expression: `a&b|c` is not a profile expression: `&` and `|` need parentheses",
            EXPRESSIONS,
        )
        .check();
}

#[test]
fn bad_e19_numbers_that_no_answer_can_hold() {
    Faults::new()
        .file(
            "e19.yml",
            "a: 1\nb: .nan\n",
            "2:4 not-finite: not-a-number cannot be spelled in JSON and most other formats",
            QUOTE_NUMBER,
        )
        .file(
            "e19_inf.yml",
            "a: .inf\n",
            "1:4 not-finite: infinity cannot be spelled in JSON and most other formats",
            QUOTE_NUMBER,
        )
        .file(
            "e19_minus.yml",
            "a: [1, -.Inf]\n",
            "1:8 not-finite: infinity cannot be spelled in JSON and most other formats",
            QUOTE_NUMBER,
        )
        .file(
            "e19_large.yml",
            "a: 1e400\n",
            "1:4 number-too-large: the number is beyond the range of a double",
            QUOTE_NUMBER,
        )
        .file(
            "e19_small.yml",
            "a:\n  b: -1.5e+999\n",
            "2:6 number-too-large: the number is beyond the range of a double",
            QUOTE_NUMBER,
        )
        .file(
            "e19_json.json",
            "{\"a\": 1e400}",
            "1:7 number-too-large: the number is beyond the range of a double",
            QUOTE_NUMBER,
        )
        .file("e19_nan_json.json", "{\"a\": NaN}", "1:7 syntax: expected value", NO_NAN)
        .file("e19_inf_json.json", "{\"a\": -Infinity}", "1:8 syntax: invalid number", NO_NAN)
        .file(
            "e19_long.yml",
            format!("a: {}\n", "9".repeat(100_000)),
            "1:4 number-too-long: the number has 100000 characters, more than 1000",
            QUOTE_NUMBER,
        )
        .file(
            "e19_long_json.json",
            format!("{{\"a\": {}}}", "9".repeat(100_000)),
            "1:7 number-too-long: the number has 100000 characters, more than 1000",
            QUOTE_NUMBER,
        )
        .check();
}

#[test]
fn bad_e20_keys_that_are_no_text() {
    Faults::new()
        .file("e20.yml", "a: 1\n? [x]\n: 2\n", "2:3 complex-key: a list or map cannot be a key", QUOTE_KEY)
        .file("e20_map.yml", "? {x: 1}\n: 2\n", "1:3 complex-key: a list or map cannot be a key", QUOTE_KEY)
        .file("e20_flow.yml", "a: {[x]: 1}\n", "1:5 complex-key: a list or map cannot be a key", QUOTE_KEY)
        .file(
            "e20_alias.yml",
            "a: &a [1]\n*a : 2\n",
            "2:1 complex-key: a list or map cannot be a key (in the value of this alias)",
            QUOTE_KEY,
        )
        .file(
            "e20_twice.yml",
            "1: a\n\"1\": b\n",
            "2:1 duplicate-key: the key `1` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e20_true.yml",
            "true: a\n\"true\": b\n",
            "2:1 duplicate-key: the key `true` is given twice, first on line 1",
            KEEP_ONE,
        )
        .check();
}

#[test]
fn bad_e22_merge_keys_of_what_is_no_map() {
    Faults::new()
        .file("e22.yml", "a: 1\n<<: text\n", "2:1 merge-key: `<<` takes a map or a list of maps", WRITE_MERGE)
        .file("e22_list.yml", "a:\n  <<: [1, 2]\n", "2:3 merge-key: `<<` takes a map or a list of maps", WRITE_MERGE)
        .file("e22_null.yml", "a:\n  <<:\n", "2:3 merge-key: `<<` takes a map or a list of maps", WRITE_MERGE)
        .file(
            "e22_twice.yml",
            "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n",
            "4:3 duplicate-key: the key `b.<<` is given twice, first on line 3",
            MERGE_LIST,
        )
        .file(
            "e22_own_twice.yml",
            "a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n  x: 3\n",
            "5:3 duplicate-key: the key `b.x` is given twice, first on line 4",
            KEEP_ONE,
        )
        .check();
}

#[test]
fn bad_e23_properties_that_cannot_be_read() {
    Faults::new()
        .file("e23.properties", "a=1\nb=\\u00zz\n", "2:3 escape: `\\u` takes four hexadecimal digits", BACKSLASH)
        .file("e23_cut.properties", "a=\\u00", "1:3 escape: `\\u` takes four hexadecimal digits", BACKSLASH)
        .file("e23_key.properties", "a\\u00gg=1\n", "1:2 escape: `\\u` takes four hexadecimal digits", BACKSLASH)
        .file(
            "e23_half.properties",
            "a=\\ud800x\n",
            "1:3 escape: `\\uD800` is half of a surrogate pair, not a character",
            BOTH_HALVES,
        )
        .file("e23_latin.properties", b"a=1\nb=gr\xf6\xdfe\n", "2:5 not-utf8: byte 9 of the file is not UTF-8", AS_UTF8)
        .file(
            "e23_long.properties",
            format!("a={}\n", "x".repeat(1 << 20)),
            "1:1 file-too-large: the file has 1048579 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e23_gap.properties",
            "a[0]=1\na[2]=3\n",
            "2:1 list-gap: the list `a` has an item 2 but no item 1",
            FROM_0,
        )
        .file(
            "e23_huge.properties",
            "a[1000000000]=1\n",
            "1:1 list-gap: the index at the end of `a[1000000000]` is larger than any list may be",
            FROM_0,
        )
        .file(
            "e23_both.properties",
            "a=1\na.b=2\n",
            "2:1 value-and-children: `a` has a value and also keys below it, first on line 1",
            OWN_KEY,
        )
        .file(
            "e23_kinds.properties",
            "a[0]=1\na.b=2\n",
            "2:1 list-and-map: `a` is a list and also a map, first on line 1",
            ONE_KIND,
        )
        .check();
}

#[test]
fn bad_e24_json_that_is_none() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    Faults::new()
        .file("e24.json", "{\n  // why\n  \"a\": 1\n}\n", "2:3 syntax: key must be a string", NO_COMMENTS)
        .file("e24_block.json", "{\"a\": /* why */ 1}", "1:7 syntax: expected value", NO_COMMENTS)
        .file("e24_hash.json", "# why\n{\"a\": 1}", "1:1 syntax: expected value", NO_COMMENTS)
        .file(
            "e24_twice.json",
            "{\"a\": {\"b\": 1,\n\"b\": 2}}",
            "2:1 duplicate-key: the key `a.b` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e24_escaped.json",
            "{\"a\": 1, \"\\u0061\": 2}",
            "1:10 duplicate-key: the key `a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e24_deep.json",
            nested(200),
            "1:321 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file(
            "e24_deeper.json",
            nested(100_000),
            "1:321 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file("e24_cut.json", "{\"a\": {\"b\": 1}", "1:14 syntax: end of file while parsing an object", NONE)
        .file("e24_two.json", "{\"a\": 1}\n{\"b\": 2}\n", "2:1 syntax: trailing characters", NONE)
        .file("e24_garbage.json", "{\"a\": 1} x", "1:10 syntax: trailing characters", NONE)
        .file("e24_comma.json", "{\"a\": 1,}", "1:9 syntax: key must be a string", NO_COMMA)
        .file("e24_quotes.json", "{'a': 1}", "1:2 syntax: key must be a string", DOUBLE_QUOTES)
        .file("e24_bare.json", "{a: 1}", "1:2 syntax: key must be a string", NONE)
        .file(
            "e24_lone.json",
            "{\"a\": \"\\ud800\"}",
            "1:7 syntax: an escape in the string stands for no character",
            PAIRS,
        )
        .file(
            "e24_control.json",
            "{\"a\": \"x\ty\"}",
            "1:8 syntax: control character (\\u0000-\\u001F) found while parsing a string",
            NONE,
        )
        .check();
}
