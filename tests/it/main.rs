//! The one integration binary: a file per topic, over the small language of `harness/`.
//!
//! Tests here see the program as its users do, through the command line, HTTP and Git. `tidy` holds the house in
//! order: floors, budgets, pages. What a function does is tested beside that function, in `src/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod bad;
mod bad_a;
mod bad_a_names;
mod bad_b;
mod bad_b_refs;
mod bad_e;
mod bad_e_meaning;
mod bad_e_size;
mod bad_e_text;
mod bad_e_values;
mod bad_spring;
mod ci;
mod cli;
mod conformance;
mod diff;
mod folder;
mod git_child;
mod git_disk;
mod git_hostile;
mod git_https;
mod git_mirror;
mod git_slow;
mod git_ssh;
mod git_sshd;
mod git_unusual;
mod harness;
mod history;
mod keys;
mod labels;
mod model;
mod native;
mod pinned;
mod readme;
mod refresh;
mod remote;
mod sealed;
mod secrets_cli;
mod semantics;
mod soak;
mod sources;
mod tidy;
mod validate;
