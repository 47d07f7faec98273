//! The server's answers over HTTP.

mod access;
mod audit;
mod config;
mod keys;
mod labels;
mod pinned;
mod refresh;
mod sealed;
mod semantics;
mod slips;
mod sources;
mod users;
mod watch;
mod webhooks;
