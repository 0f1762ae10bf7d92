//! Numbers that a loss carries from one optimizer step to the next.

use crate::grad::{Gradient, NoGrad};
use crate::kind::Kind;
use crate::level::{Quantity, Scalar};
use crate::number::Limit;
use crate::relation::Still;
use crate::trace;

/// A number that is carried from step to step: a running mean, a coefficient that adapts.
///
/// What it gives is the number as this step begins; [`Scalar::update`] says what it is after the step. It begins with
/// `initial`, it is in every checkpoint, and the metrics show it as `state/NAME`. Its kind is written out, unless it
/// follows from where the number goes:
///
/// ```
/// # extern crate collimate_dsl as collimate;
/// collimate::prelude!();
///
/// /// Pushes up what is better than the samples have been so far.
/// #[algorithm(paper = "none: an example")]
/// pub fn better_than_before(actor: &Actor, group: &Group) -> Scalar<Loss> {
///     let mean = state::<Baseline>("mean", 0.0);
///     mean.update(0.9 * mean + 0.1 * group.score.batch_mean().as_baseline());
///     -((group.score - mean) * actor.logp(group.response).sum(Token)).batch_mean()
/// }
/// ```
#[track_caller]
pub fn state<K: Kind>(name: &str, initial: impl Limit) -> Scalar<K, NoGrad> {
    trace::declare(name, initial.handle())
}

impl<K: Kind> Scalar<K, NoGrad> {
    /// What a [`state`] is after this step: a constant made of the whole optimizer batch, however it is cut.
    ///
    /// # Panics
    ///
    /// If this is not what [`state`] gave.
    #[track_caller]
    pub fn update<G: Gradient + Still>(self, next: Scalar<K, G>) {
        trace::update(self.handle(), next.handle());
    }
}
