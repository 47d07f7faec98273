//! The one integration binary: a folder per topic, over the small language of `harness/`.
//!
//! Tests here see the program as its users do, through the command line, HTTP and Git. `tidy` holds the house in
//! order: floors, budgets, pages. What a function does is tested beside that function, in `src/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod cli;
mod dir;
mod formats;
mod git;
mod harness;
mod house;
mod http;
mod input;
mod spring;
mod whole;
