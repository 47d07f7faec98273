//! Whether a text looks like chance, as keys and tokens do.

/// The least characters of a text that randomness makes suspicious.
const LEAST: usize = 24;

/// True for a long text that changes between letters in upper and lower case and digits as often as only chance does.
pub(super) fn is_random(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_token = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte));
    if bytes.len() < LEAST || !is_token || text.starts_with('/') || is_uuid(bytes) {
        return false;
    }
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let changes = bytes.windows(2).filter(|pair| changes_kind(pair[0], pair[1])).count();
    // By chance, letters of both cases and digits change at three places of five, letters of one case and digits at two
    // of five or more; words joined in whatever way change at one of five.
    digits >= 2 && digits < bytes.len() && changes * 100 >= (bytes.len() - 1) * 30 && entropy(bytes) >= 3.0
}

/// True between two of upper case, lower case and digits; signs stand between words and are none of them.
fn changes_kind(left: u8, right: u8) -> bool {
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    left.is_ascii_alphanumeric() && right.is_ascii_alphanumeric() && kind(left) != kind(right)
}

/// Bits for each byte, by how often the bytes of the text occur in it.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    shares.map(|share| -share * share.log2()).sum()
}

fn is_uuid(bytes: &[u8]) -> bool {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| if is_dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}
