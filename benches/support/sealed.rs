//! Sealed values, and the keys that open them.

use std::sync::Arc;

use layerd::config::select::SearchPaths;
use layerd::secret::key::{Key, KeyId};
use layerd::secret::keyring::Keyring;
use layerd::secret::place::{Context, Place};
use layerd::snapshot::{OnFailure, Secrets};

use super::support::Repository;

/// Services of which each has so many sealed values, and the keys to open them.
pub(crate) fn repository(services: usize, values: usize) -> Repository {
    let ring = ring(1);
    let mut repository = Repository::of_services(0);
    for number in 0..services {
        let service = format!("service-{number}");
        let rank = SearchPaths::default().rank("", &service);
        let sealed = |value: usize| {
            let key = format!("secret-{value}");
            let place = Place::of(&rank, &key);
            let nonce = nonce(number * values + value);
            format!("{key}: '{}'\n", ring.seal("correct horse", Context::Prop, &place, nonce).expect("it is short"))
        };
        repository.put(&format!("{service}.yml"), (0..values).map(sealed).collect());
    }
    repository.secrets = Secrets { ring: Arc::new(ring), on_failure: OnFailure::Pin };
    repository
}

/// A ring of one key.
pub(crate) fn ring(seed: u8) -> Keyring {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = seed.wrapping_mul(31) ^ at.wrapping_mul(17));
    let id = KeyId::new(&format!("key-{seed}")).expect("it is letters and digits");
    let key = Key::from_bytes(bytes).expect("the bytes have no pattern");
    Keyring::new(vec![(id, key)], None, None).expect("it is one key")
}

/// A nonce for each number; real ones are random.
pub(crate) fn nonce(number: usize) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&(number as u64).to_be_bytes());
    nonce
}
