//! What clients of Spring Cloud Config Server ask, answered as they know it.
//!
//! Errors have Spring's shapes here, not those of layerd's own protocol.

mod encrypt;

pub(super) use encrypt::routes;
