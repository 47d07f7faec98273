//! layerd, a layered configuration daemon: a Git repository of layered YAML in, one merged document per service out.
//!
//! ```text
//!      git / folder
//!           │  source      fetch, resolve labels, read blobs
//!           ▼
//!         Tree             commit + path → blob
//!           │  snapshot + format   parse each new blob once, collect problems
//!           ▼
//!       Snapshot ───────── problems, log, errors of the services concerned
//!           │  store       swapped in one step; the old one lives while a request holds it
//! Address   │
//! (http) ───┤  answer      select → merge → interpolate → spell
//!           ▼
//!        response
//! ```
//!
//! Modules stand on floors, and arrows point down only: a module uses lower floors, never higher ones. The list below
//! goes from the ground up; `tests/it/house/tidy/` holds the floors as a table and fails on a breach.

// floor 0: what configuration is
pub mod config;
// floor 1: who may do what; bytes to values and back; what schemas ask of values; sealed values to plain ones
pub mod access;
pub mod format;
pub mod schema;
pub mod secret;
// floor 2: a commit made ready
pub mod snapshot;
// floor 3: where trees come from; the path that every answer takes
pub mod answer;
pub mod source;
// floor 4: the rules of `validate`; what is live now
pub mod check;
pub mod store;
// floor 5: who waits for changes; what is written down of who did what
pub mod audit;
pub mod push;
// floor 6: the way in
pub mod http;
// floor 7: settings become a running server
pub mod serve;
pub mod settings;
pub mod telemetry;
// floor 8: the command line
pub mod cli;
