//! p
use crate::config::value::Value;
pub(super) fn write(_value: &Value) -> String {
    String::new()
}
