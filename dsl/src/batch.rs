//! Typed views of the data: what an algorithm reads of a batch.

use crate::algorithm::Arg;
use crate::grad::NoGrad;
use crate::kind::{Baseline, Kind, Margin, Reward, Value, Weight};
use crate::level::{PerPrompt, PerResponse, PerToken};
use crate::side::{Answer, Chosen, Document, Mismatched, Rejected, Sample, Side};
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
impl<Y> Reply<Y> {
    pub(crate) fn new() -> Self {
        Reply(PhantomData)
    }
}

/// What a view can hold.
trait Field {
    fn field(view: &str, name: &str) -> Self;
}
impl<Y> Field for Reply<Y> {
    fn field(_: &str, _: &str) -> Self {
        Reply::new()
    }
}
macro_rules! numbers {
    ($( [$($y:ident)?] $handle:ident )*) => { $(
        impl<K: Kind, $($y: Side)?> Field for $handle<K, $($y,)? NoGrad> {
            #[track_caller]
            fn field(view: &str, name: &str) -> Self {
                trace::offer(view, name)
            }
        }
    )* };
}
numbers! { [Y] PerToken [Y] PerResponse [] PerPrompt }

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
        /// How much it counts.
        weight: PerResponse<Weight, Answer, NoGrad>,
    }
    /// Two responses for each prompt, the better one first.
    Pair "pair" {
        /// The better response.
        chosen: Reply<Chosen>,
        /// The other response.
        rejected: Reply<Rejected>,
        /// The prompt and the better response as one text.
        document: Reply<Document>,
        /// By how much it is better, as its annotators say.
        margin: PerPrompt<Margin, NoGrad>,
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
    /// One response for each prompt, liked or not.
    Unpaired "unpaired" {
        /// The response.
        response: Reply<Answer>,
        /// A response that belongs to another prompt of the batch: what the policy says without being asked.
        other: Reply<Mismatched>,
        /// 1 if it is liked, 0 if it is not.
        label: PerResponse<Weight, Answer, NoGrad>,
    }
    /// Several responses to each prompt, scored.
    Group "group" {
        /// Each of them.
        response: Reply,
        /// What it is worth.
        score: PerResponse<Reward, Sample, NoGrad>,
        /// How much it counts.
        weight: PerResponse<Weight, Sample, NoGrad>,
        /// What was expected anyway, e.g. the score of the response without randomness.
        baseline: PerResponse<Baseline, Sample, NoGrad>,
        /// What the critic predicted at each token when the response was drawn.
        value: PerToken<Value, Sample, NoGrad>,
        /// 1 if it ended by itself, 0 if it was cut off.
        ended: PerResponse<Weight, Sample, NoGrad>,
    }
    /// One response for each prompt, rated by the attributes of HelpSteer. An attribute may be missing: then its rating
    /// is 0 and so is its `…_present`.
    Rated "rated" {
        /// The response.
        response: Reply<Answer>,
        /// Does it help with what was asked?
        helpfulness: PerResponse<Reward, Answer, NoGrad>,
        /// 1 where there is such a rating.
        helpfulness_present: PerResponse<Weight, Answer, NoGrad>,
        /// Is what it says right and complete?
        correctness: PerResponse<Reward, Answer, NoGrad>,
        /// 1 where there is such a rating.
        correctness_present: PerResponse<Weight, Answer, NoGrad>,
        /// Is it consistent and clear?
        coherence: PerResponse<Reward, Answer, NoGrad>,
        /// 1 where there is such a rating.
        coherence_present: PerResponse<Weight, Answer, NoGrad>,
        /// How much skill does it take to write it?
        complexity: PerResponse<Reward, Answer, NoGrad>,
        /// 1 where there is such a rating.
        complexity_present: PerResponse<Weight, Answer, NoGrad>,
        /// How much detail does it go into?
        verbosity: PerResponse<Reward, Answer, NoGrad>,
        /// 1 where there is such a rating.
        verbosity_present: PerResponse<Weight, Answer, NoGrad>,
    }
    /// Two responses for each prompt, and how its annotators are divided over them. The shares add up to 1.
    Annotated "annotated" {
        /// The response that most prefer.
        chosen: Reply<Chosen>,
        /// The other response.
        rejected: Reply<Rejected>,
        /// Who find the rejected one much better.
        rejected_much_better: PerPrompt<Weight, NoGrad>,
        /// Who find the rejected one better.
        rejected_better: PerPrompt<Weight, NoGrad>,
        /// Who find both equally good.
        tie: PerPrompt<Weight, NoGrad>,
        /// Who find the chosen one better.
        chosen_better: PerPrompt<Weight, NoGrad>,
        /// Who find the chosen one much better.
        chosen_much_better: PerPrompt<Weight, NoGrad>,
    }
}
