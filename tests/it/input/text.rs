//! Faults of a text that no format could read, or that YAML cannot (rows E10 to E16, E25, E28 and E30 of the list of bad
//! inputs): each is told where it stands, with what to do about it, and touches nobody else.
//!
//! What is done with each file is in `bad_e.rs`.

use crate::input::broken::Faults;

// What the hints say.
const KEEP_ONE: &str = "keep one of the two";
const SPACES: &str = "indent with spaces";
const AS_UTF8: &str = "save the file as UTF-8";
const LINE_ENDS: &str = "end lines with LF or CR LF";
const AS_TEXT: &str = "save the file as UTF-8 text";
const ESCAPE: &str = "remove it, or write it as an escape";
const KEY_VALUE: &str = "write `key: value`";
const OUR_TAGS: &str =
    "use `!append`, `!prepend`, `!replace`, `!unset` or none, and quote a value that is to begin with `!`";
const NO_TAG: &str = "remove the tag";
const QUOTE_CIPHER: &str = "quote it: '{cipher}...'";
const QUOTE: &str = "quote the value";
const QUOTE_COLON: &str = "quote a value that contains `: `, and check the indentation and the line above";
const QUOTE_TEMPLATE: &str = "quote the whole value: '{{ ... }}'";
const NO_LFS: &str = "take configuration files out of Git LFS (`git lfs untrack`, then commit them again)";
const RESOLVE: &str = "resolve the conflict and commit the result";

#[test]
fn bad_e10_a_key_given_twice() {
    Faults::new()
        .file(
            "e10.yml",
            "a: 1\nb: 2\na: 3\n",
            "3:1 duplicate-key: the key `a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e10_deep.yml",
            "x:\n  y:\n    - a: 1\n      b: 2\n      a: 1\n",
            "5:7 duplicate-key: the key `x.y[0].a` is given twice, first on line 3",
            KEEP_ONE,
        )
        .file(
            "e10_flow.yml",
            "x: {a: 1, b: 2, a: 3}\n",
            "1:17 duplicate-key: the key `x.a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e10_spelled.yml",
            "a: 1\n\"a\": 1\n",
            "2:1 duplicate-key: the key `a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e10_dotted.yml",
            "a:\n  b: 1\na.b: 2\n",
            "3:1 duplicate-key: the key `a.b` is given twice, first on line 2",
            KEEP_ONE,
        )
        .file(
            "e10_second.yml",
            "a: 1\n---\nb: 1\nb: 2\n",
            "4:1 duplicate-key: the key `b` is given twice, first on line 3",
            KEEP_ONE,
        )
        .file(
            "e10_json.json",
            "{\"a\": 1,\n \"a\": 2}\n",
            "2:2 duplicate-key: the key `a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .file(
            "e10_flat.properties",
            "a=1\nb=2\na=1\n",
            "3:1 duplicate-key: the key `a` is given twice, first on line 1",
            KEEP_ONE,
        )
        .check();
}

#[test]
fn bad_e11_tabs_as_indentation() {
    Faults::new()
        .file("e11.yml", "a:\n\tb: 1\n", "2:1 tab-indentation: the line is indented with a tab", SPACES)
        .file("e11_later.yml", "a:\n  b: 1\n \tc: 2\n", "3:2 tab-indentation: the line is indented with a tab", SPACES)
        .file("e11_root.yml", "\ta: 1\n", "1:1 tab-indentation: the line is indented with a tab", SPACES)
        .file("e11_list.yml", "a:\n\t- 1\n", "2:1 tab-indentation: the line is indented with a tab", SPACES)
        .check();
}

#[test]
fn bad_e12_bytes_that_are_not_utf8_and_stray_carriage_returns() {
    Faults::new()
        .file("e12.yml", b"a: 1\nb: gr\xf6\xdfe\n", "2:6 not-utf8: byte 11 of the file is not UTF-8", AS_UTF8)
        .file("e12_cut.yml", b"a: 1\nb: \xc3", "2:4 not-utf8: byte 9 of the file is not UTF-8", AS_UTF8)
        .file("e12_overlong.yml", b"a: \xc0\xae\n", "1:4 not-utf8: byte 4 of the file is not UTF-8", AS_UTF8)
        .file(
            "e12_surrogate.json",
            b"{\"a\": \"\xed\xa0\x80\"}",
            "1:8 not-utf8: byte 8 of the file is not UTF-8",
            AS_UTF8,
        )
        .file("e12_utf16le.yml", b"\xff\xfea\0:\0 \x001\0\n\0", "1:1 not-utf8: the file is UTF-16, not UTF-8", AS_UTF8)
        .file("e12_utf16be.yml", b"\xfe\xff\0a\0:\0 \x001\0\n", "1:1 not-utf8: the file is UTF-16, not UTF-8", AS_UTF8)
        .file(
            "e12_cr.yml",
            b"a: 1\rb: 2\r",
            "1:5 control-character: the file holds a carriage return without a line feed",
            LINE_ENDS,
        )
        .file(
            "e12_mixed.yml",
            b"a: 1\r\nb: 2\rc: 3\n",
            "2:5 control-character: the file holds a carriage return without a line feed",
            LINE_ENDS,
        )
        .check();
}

#[test]
fn bad_e13_control_characters_end_no_file_in_silence() {
    Faults::new()
        .file("e13.yml", b"a: 1\n\0b: 2\n", "2:1 control-character: the file holds a NUL character", AS_TEXT)
        .file("e13_first.yml", b"\0a: 1\n", "1:1 control-character: the file holds a NUL character", AS_TEXT)
        .file("e13_last.yml", b"a: 1\n\0", "2:1 control-character: the file holds a NUL character", AS_TEXT)
        .file("e13_quoted.yml", b"a: \"x\0y\"\n", "1:6 control-character: the file holds a NUL character", AS_TEXT)
        .file(
            "e13_comment.yml",
            b"a: 1 # x\x07\nb: 2\n",
            "1:9 control-character: the file holds the control character U+0007",
            ESCAPE,
        )
        .file(
            "e13_escape.yml",
            b"a: \x1b[31mred\n",
            "1:4 control-character: the file holds the control character U+001B",
            ESCAPE,
        )
        .file(
            "e13_delete.yml",
            b"a: x\x7f\n",
            "1:5 control-character: the file holds the control character U+007F",
            ESCAPE,
        )
        .file(
            "e13_c1.yml",
            "a: x\u{9b}y\n",
            "1:5 control-character: the file holds the control character U+009B",
            ESCAPE,
        )
        .file("e13_json.json", b"{\"a\": \"x\0y\"}", "1:9 control-character: the file holds a NUL character", AS_TEXT)
        .file("e13_flat.properties", b"a=1\nb=x\0y\n", "2:4 control-character: the file holds a NUL character", AS_TEXT)
        .check();
}

#[test]
fn bad_e15_a_document_that_is_no_map() {
    Faults::new()
        .file("e15.yml", "- a\n- b\n", "1:1 not-a-mapping: the document is not a map of keys to values", KEY_VALUE)
        .file(
            "e15_text.yml",
            "# a comment\njust words\n",
            "2:1 not-a-mapping: the document is not a map of keys to values",
            KEY_VALUE,
        )
        .file("e15_number.yml", "42\n", "1:1 not-a-mapping: the document is not a map of keys to values", KEY_VALUE)
        .file(
            "e15_second.yml",
            "a: 1\n---\n- b\n",
            "3:1 not-a-mapping: the document is not a map of keys to values",
            KEY_VALUE,
        )
        .file("e15_flow.yml", "[a, b]\n", "1:1 not-a-mapping: the document is not a map of keys to values", KEY_VALUE)
        .file(
            "e15_json.json",
            "\n[1, 2]\n",
            "2:1 not-a-mapping: the document is not a map of keys to values",
            KEY_VALUE,
        )
        .file(
            "e15_text_json.json",
            "\"a\"",
            "1:1 not-a-mapping: the document is not a map of keys to values",
            KEY_VALUE,
        )
        .check();
}

#[test]
fn bad_e16_tags_of_other_languages() {
    Faults::new()
        .file(
            "e16.yml",
            "a: !!python/object/apply:os.system [\"touch /tmp/pwned\"]\n",
            "1:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file(
            "e16_java.yml",
            "a: 1\nb: !!javax.script.ScriptEngineManager [1]\n",
            "2:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file("e16_custom.yml", "a: !custom x\n", "1:4 unknown-tag: the tag before this value is unknown", OUR_TAGS)
        .file(
            "e16_ruby.yml",
            "a: !ruby/object:Gem::Installer\n  i: x\n",
            "1:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file(
            "e16_uri.yml",
            "%TAG !e! tag:example.org,2000:\n---\na: !e!x 1\n",
            "3:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file("e16_key.yml", "!custom a: 1\n", "1:1 unknown-tag: the tag before this value is unknown", OUR_TAGS)
        .file(
            "e16_root.yml",
            "!!map-of-mine\na: 1\n",
            "1:1 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file(
            "e16_include.yml",
            "a: !include ../../etc/passwd\n",
            "1:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file("e16_append.yml", "a: !append x\n", "1:4 misplaced-tag: `!append` takes a list", NO_TAG)
        .check();
}

#[test]
fn bad_e25_values_that_should_have_been_quoted() {
    Faults::new()
        .file(
            "e25.yml",
            "a: 1\nb: {cipher}AQA=\n",
            "2:4 unquoted-cipher: an unquoted `{cipher}` begins a map, not a sealed value",
            QUOTE_CIPHER,
        )
        .file(
            "e25_alone.yml",
            "b: {cipher}\n",
            "1:4 unquoted-cipher: an unquoted `{cipher}` begins a map, not a sealed value",
            QUOTE_CIPHER,
        )
        .file(
            "e25_list.yml",
            "b:\n  - {cipher}AQA=\n",
            "2:5 unquoted-cipher: an unquoted `{cipher}` begins a map, not a sealed value",
            QUOTE_CIPHER,
        )
        .file(
            "e25_template.yml",
            "a: {{ tpl }}\n",
            "1:4 unquoted-template: an unquoted `{{` begins a map, not a text",
            QUOTE_TEMPLATE,
        )
        .file(
            "e25_prefix.yml",
            "a: {{ tpl }}/x\n",
            "1:4 unquoted-template: an unquoted `{{` begins a map, not a text",
            QUOTE_TEMPLATE,
        )
        .file(
            "e25_at.yml",
            "a: @project.version@\n",
            "1:4 syntax: a value without quotes cannot begin with this character",
            QUOTE,
        )
        .file("e25_colon.yml", "a: b: c\n", "1:5 syntax: a `:` stands where no key can end", QUOTE_COLON)
        .file(
            "e25_percent.yml",
            "a: %d\n",
            "1:4 syntax: a value without quotes cannot begin with this character",
            QUOTE,
        )
        .check();
}

#[test]
fn bad_e28_a_pointer_of_git_lfs() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    Faults::new()
        .file(
            "e28.yml",
            pointer,
            "1:1 lfs-pointer: the file is a Git LFS pointer, not the content that it stands for",
            NO_LFS,
        )
        .file(
            "e28_json.json",
            pointer,
            "1:1 lfs-pointer: the file is a Git LFS pointer, not the content that it stands for",
            NO_LFS,
        )
        .file(
            "e28_flat.properties",
            pointer,
            "1:1 lfs-pointer: the file is a Git LFS pointer, not the content that it stands for",
            NO_LFS,
        )
        .check();
}

#[test]
fn bad_e30_marks_of_a_merge_conflict() {
    let flat = "a=1\n<<<<<<< HEAD\nb=2\n=======\nb=3\n>>>>>>> topic\n";
    Faults::new()
        .file(
            "e30.yml",
            "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> topic\n",
            "2:1 merge-conflict: line 2 is a merge conflict marker",
            RESOLVE,
        )
        .file("e30_rest.yml", "a: 1\n=======\nb: 3\n", "2:1 merge-conflict: line 2 is a merge conflict marker", RESOLVE)
        .file("e30_end.yml", "a: 1\n>>>>>>> topic\n", "2:1 merge-conflict: line 2 is a merge conflict marker", RESOLVE)
        .file("e30_json.json", "{\n<<<<<<< HEAD\n}\n", "2:1 merge-conflict: line 2 is a merge conflict marker", RESOLVE)
        .file("e30_flat.properties", flat, "2:1 merge-conflict: line 2 is a merge conflict marker", RESOLVE)
        .check();
}
