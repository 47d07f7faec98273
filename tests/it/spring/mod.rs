//! What Spring Cloud Config Server answers, replayed.

mod case;
mod compare;
mod conformance;
