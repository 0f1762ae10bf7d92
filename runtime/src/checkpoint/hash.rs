//! Has this changed? Not a defence against anyone, only against mistakes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A number that differs, in all likelihood, between any two different contents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(u64);

impl Hash {
    /// Of bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        Self::of_words(words, bytes.len())
    }

    /// Of numbers, bit by bit.
    #[must_use]
    pub fn of_numbers(numbers: &[f32]) -> Self {
        Self::of_words(numbers.iter().map(|x| u64::from(x.to_bits())), numbers.len())
    }

    /// Of this and then another.
    #[must_use]
    pub fn and(self, other: Hash) -> Self {
        Self::of_words([self.0, other.0].into_iter(), 2)
    }

    fn of_words(words: impl Iterator<Item = u64>, length: usize) -> Self {
        // FNV-1a over words, then a mixing function, since the last words would otherwise change few bits.
        let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ length as u64;
        for word in words {
            state = (state ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Hash(state ^ (state >> 27))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Hash)
    }
}
