//! Number literals to numbers: integers of any size exactly, floats only within a double, both of bounded length.
//!
//! The callers have checked the grammar of their format; what counts as a number is their business.

use crate::config::problem::{Fault, Position};
use crate::config::value::Number;

/// Longest literal in characters. Nothing that counts or measures needs as many, and some spellings cost their square.
const LONGEST: usize = 1_000;

/// The integer written in decimal: an optional sign, then digits.
///
/// # Errors
/// `number-too-long`.
pub(super) fn integer(literal: &str, at: Position) -> Result<Number, Fault> {
    refuse_long(literal, at)?;
    Number::integer(literal).ok_or_else(|| not_a_number(at))
}

/// The integer written in base 8 or 16, without a prefix.
///
/// # Errors
/// `number-too-long`.
pub(super) fn in_base(base: u32, digits: &str, at: Position) -> Result<Number, Fault> {
    refuse_long(digits, at)?;
    if let Ok(value) = i64::from_str_radix(digits, base) {
        return Ok(Number::Integer(value));
    }
    let decimal = to_decimal(base, digits).ok_or_else(|| not_a_number(at))?;
    Number::integer(&decimal).ok_or_else(|| not_a_number(at))
}

/// The nearest double to a decimal literal.
///
/// # Errors
/// `number-too-long`, `number-too-large`.
pub(super) fn float(literal: &str, at: Position) -> Result<Number, Fault> {
    refuse_long(literal, at)?;
    let value = literal.parse().map_err(|_| not_a_number(at))?;
    Number::float(value).ok_or_else(|| {
        Fault::error("number-too-large", at, "the number is beyond the range of a double")
            .with_hint("quote it if it is a text")
    })
}

pub(super) fn refuse_long(literal: &str, at: Position) -> Result<(), Fault> {
    if literal.len() <= LONGEST {
        return Ok(());
    }
    let message = format!("the number has {} characters, more than {LONGEST}", literal.len());
    Err(Fault::error("number-too-long", at, message).with_hint("quote it if it is a text"))
}

fn not_a_number(at: Position) -> Fault {
    Fault::error("syntax", at, "the number has a digit that its base does not have")
}

/// Schoolbook conversion in limbs of nine decimal digits; its square is over at most [`LONGEST`] digits.
fn to_decimal(base: u32, digits: &str) -> Option<String> {
    const LIMB: u64 = 1_000_000_000;
    let mut limbs: Vec<u64> = vec![0];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(base)?);
        for limb in &mut limbs {
            carry += *limb * u64::from(base);
            *limb = carry % LIMB;
            carry /= LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    Some(limbs.iter().rev().map(|limb| format!("{limb:09}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Position = Position::new(1, 1);

    fn hexadecimal(digits: &str) -> String {
        in_base(16, digits, HERE).unwrap().to_string()
    }

    #[test]
    fn hexadecimal_is_exact_beyond_64_bits() {
        assert_eq!(hexadecimal("1F"), "31");
        assert_eq!(hexadecimal("7fffffffffffffff"), i64::MAX.to_string());
        assert_eq!(hexadecimal("8000000000000000"), "9223372036854775808");
        assert_eq!(hexadecimal("ffffffffffffffffffffffffffffffff"), u128::MAX.to_string());
        assert_eq!(hexadecimal("0000000000000000000000000000000000001"), "1");
        assert_eq!(in_base(8, "2000000000000000000000", HERE).unwrap().to_string(), "18446744073709551616");
    }

    #[test]
    fn a_literal_of_more_than_a_thousand_characters_is_refused() {
        let long = "9".repeat(1_001);
        for refused in [integer(&long, HERE), in_base(16, &long, HERE), float(&long, HERE)] {
            assert_eq!(refused.unwrap_err().message, "the number has 1001 characters, more than 1000");
        }
        assert_eq!(integer(&long[1..], HERE).unwrap().to_string(), long[1..]);
    }

    #[test]
    fn a_float_beyond_a_double_is_refused_and_a_tiny_one_is_zero() {
        assert_eq!(float("1e400", HERE).unwrap_err().code, "number-too-large");
        assert_eq!(float("1e-400", HERE), Ok(Number::Float(0.0)));
    }
}
