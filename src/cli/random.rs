//! Random bytes of the operating system, for keys and nonces. The rooms that use them take them as arguments.

use super::console::{Exit, Failure};

/// So many random bytes.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| Failure::new(Exit::No, format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}
