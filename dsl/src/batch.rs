//! Typed views of the data: what an algorithm reads of a batch.

use crate::algorithm::Arg;
use crate::grad::NoGrad;
use crate::kind::Reward;
use crate::level::PerResponse;
use crate::side::{Answer, Chosen, Rejected, Sample};
use crate::trace;
use std::marker::PhantomData;

/// A response in the batch: not its tokens, only which one.
pub struct Reply<Y = Sample>(PhantomData<fn() -> Y>);
impl<Y> Clone for Reply<Y> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Y> Copy for Reply<Y> {}

/// What a view can hold.
trait Field {
    fn field(view: &str, name: &str) -> Self;
}
impl<Y> Field for Reply<Y> {
    fn field(_: &str, _: &str) -> Self {
        Reply(PhantomData)
    }
}
impl<Y: crate::side::Side> Field for PerResponse<Reward, Y, NoGrad> {
    #[track_caller]
    fn field(view: &str, name: &str) -> Self {
        trace::offer(view, name)
    }
}

macro_rules! views {
    ($( $(#[$doc:meta])* $name:ident $view:literal { $( $(#[$field_doc:meta])* $field:ident: $ty:ty, )* } )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub struct $name { $( $(#[$field_doc])* pub $field: $ty, )* }
            #[diagnostic::do_not_recommend]
            impl Arg for $name {
                const VIEW: Option<&'static str> = Some($view);
                #[track_caller]
                fn arg() -> Self {
                    $name { $( $field: Field::field($view, stringify!($field)), )* }
                }
            }
        )*
    };
}
views! {
    /// One good response for each prompt.
    Demo "demo" {
        /// The response.
        response: Reply<Answer>,
    }
    /// Two responses for each prompt, the better one first.
    Pair "pair" {
        /// The better response.
        chosen: Reply<Chosen>,
        /// The other response.
        rejected: Reply<Rejected>,
    }
    /// Two responses for each prompt, and what a judge gives each.
    ScoredPair "scored_pair" {
        /// The response the judge prefers.
        chosen: Reply<Chosen>,
        /// The other response.
        rejected: Reply<Rejected>,
        /// What the judge gives the chosen response.
        chosen_score: PerResponse<Reward, Chosen, NoGrad>,
        /// What the judge gives the rejected response.
        rejected_score: PerResponse<Reward, Rejected, NoGrad>,
    }
    /// Several responses to each prompt, scored.
    Group "group" {
        /// Each of them.
        response: Reply,
        /// What it is worth.
        score: PerResponse<Reward, Sample, NoGrad>,
    }
}
