//! What a process that holds keys denies itself: core dumps, and being looked into by other processes of its user.
//!
//! Swapped pages and the copies that allocators and sockets make are beyond this.

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing::warn;

/// Has the system write no core dump of this process and, where it knows such a thing, refuse debuggers and other readers
/// of its memory. What cannot be denied is warned of: the keys are worth more with the rest of the protection than none.
pub(super) fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        warn!("core dumps cannot be turned off: {error}");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        warn!("the memory of this process cannot be closed to others of its user: {error}");
    }
}
