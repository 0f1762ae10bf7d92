//! How long is it, and did it end?

use super::Written;
use crate::reward;

/// Words in the response: with a negative weight, the price of each.
#[reward]
pub fn length(written: &Written<'_>) -> f64 {
    written.text().split_whitespace().count() as f64
}

/// 1 where the response ended by itself, 0 where it was cut.
#[reward]
pub fn ended(written: &Written<'_>) -> bool {
    written.ended()
}

/// 1 where the response was cut before its end, else 0: with a negative weight, the penalty for that.
#[reward]
pub fn unended(written: &Written<'_>) -> bool {
    !written.ended()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::worth_of;

    #[test]
    fn words_are_counted_and_ends_are_noticed() {
        assert_eq!(worth_of(&LENGTH, "", "{}", " one two\nthree ", true), Ok(3.0));
        assert_eq!(worth_of(&ENDED, "", "{}", "", true), Ok(1.0));
        assert_eq!(worth_of(&UNENDED, "", "{}", "", true), Ok(0.0));
        assert_eq!(worth_of(&UNENDED, "", "{}", "", false), Ok(1.0));
    }
}
