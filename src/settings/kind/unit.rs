//! Sizes such as `64KiB` and durations such as `1m30s`, both directions.

use std::time::Duration;

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Milliseconds of a unit, largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The bytes of a size; without a unit it is in bytes. `None` if it is no size or beyond 64 bits.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number(text)?;
    let bytes = if unit.is_empty() { 1 } else { find(&SIZES, unit)? };
    number.checked_mul(bytes)
}

/// The milliseconds of a duration: numbers with units, each smaller than the one before it. `None` if it is none.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let (mut total, mut smaller, mut rest) = (0_u64, TIMES.as_slice(), text);
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let end = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let index = smaller.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(smaller[index].1)?)?;
        smaller = &smaller[index + 1..];
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// The size in the largest unit that spells it exactly.
pub(super) fn spell_size(bytes: u64) -> String {
    spell(&SIZES, bytes, "B")
}

/// The duration in the largest unit that spells it exactly.
pub(super) fn spell_time(time: Duration) -> String {
    spell(&TIMES, u64::try_from(time.as_millis()).unwrap_or(u64::MAX), "ms")
}

fn spell(units: &[(&str, u64)], amount: u64, smallest: &str) -> String {
    let exact = units.iter().find(|(_, size)| amount >= *size && amount.is_multiple_of(*size));
    exact.map_or_else(|| format!("{amount}{smallest}"), |(unit, size)| format!("{}{unit}", amount / size))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    digits.parse().ok().map(|number| (number, rest))
}

fn find(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        let read = ["0", "17", "1B", "64KiB", "1MiB", "2GiB", "18446744073709551615"].map(size);
        assert_eq!(read, [0, 17, 1, 65_536, 1_048_576, 2_147_483_648, u64::MAX].map(Some));
        for bad in ["", "KiB", "1 KiB", "1MB", "1kib", "-1", "1.5MiB", "18446744073709551616", "17179869184GiB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_go_from_large_units_to_small_ones() {
        let read = ["0s", "500ms", "30s", "1m30s", "1d2h3m4s5ms"].map(milliseconds);
        assert_eq!(read, [0, 500, 30_000, 90_000, 93_784_005].map(Some));
        for bad in ["", "30", "s", "30s1m", "1s1s", "1.5s", "-1s", "30 s", "1y", "1S", "213503982335d"] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_spelled_is_read_back() {
        for bytes in [0, 1, 1023, 1024, 1 << 20, 3 << 29, u64::MAX] {
            assert_eq!(size(&spell_size(bytes)), Some(bytes));
        }
        for time in [0, 1, 999, 1000, 75_000, 90_000, 3_600_000, 172_800_000] {
            assert_eq!(milliseconds(&spell_time(Duration::from_millis(time))), Some(time));
        }
        assert_eq!(spell_time(Duration::from_secs(75)), "75s");
        assert_eq!(spell_size(0), "0B");
    }
}
