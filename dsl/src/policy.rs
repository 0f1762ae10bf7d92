//! Models with a role.

use crate::algorithm::Arg;
use crate::batch::Reply;
use crate::grad::{Grad, Gradient, NoGrad};
use crate::kind::{LogProb, Reward, Spread, Value};
use crate::level::{PerResponse, PerToken, PerVocab};
use crate::side::Side;
use crate::trace::input;

/// A language model in an algorithm. `#[policy]` implements it for a type of your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "not a policy",
    note = "declare it with `#[policy(trainable)]` or `#[policy(frozen, from = Actor)]`",
    note = "book: errors/q17"
)]
pub trait Policy: 'static {
    /// [`Grad`] for a policy that is trained, [`NoGrad`] for one that is frozen while the loss is computed.
    type Grad: Gradient;
    /// The name of its inputs in a program: the type's name in snake case.
    const OWNER: &'static str;
    /// For a frozen policy, the policy it is a copy of.
    const FROM: Option<&'static str>;
    /// When the copy is made anew: `rollout`, `iteration`; never if `None`.
    const REFRESH: Option<&'static str>;
    /// The log-probability of each token of a response.
    #[track_caller]
    fn logp<Y: Side>(&self, y: Reply<Y>) -> PerToken<LogProb, Y, Self::Grad> {
        let _ = y;
        input(Self::OWNER, "logp")
    }
    /// At each token of a response the log-probability of every word of the vocabulary, had it come there.
    #[track_caller]
    fn words<Y: Side>(&self, y: Reply<Y>) -> PerVocab<LogProb, Y, Self::Grad> {
        let _ = y;
        input(Self::OWNER, "words")
    }
}

/// A policy that is trained.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is frozen, a trainable policy belongs here",
    label = "no gradient flows through it",
    note = "pass `actor`, or a policy of your own declared with `#[policy(trainable)]`",
    note = "book: errors/q17"
)]
pub trait Trainable: Policy<Grad = Grad> {}
#[diagnostic::do_not_recommend]
impl<P: Policy<Grad = Grad>> Trainable for P {}

/// A policy that does not move while the loss is computed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is trainable, a frozen policy belongs here",
    label = "gradients would flow through it",
    note = "pass `reference`, or a policy of your own declared with `#[policy(frozen, from = Actor)]`",
    note = "book: errors/q17"
)]
pub trait Frozen: Policy<Grad = NoGrad> {}
#[diagnostic::do_not_recommend]
impl<P: Policy<Grad = NoGrad>> Frozen for P {}

macro_rules! argument {
    ($name:ident) => {
        #[diagnostic::do_not_recommend]
        impl Arg for $name {
            fn arg() -> Self {
                $name(())
            }
        }
    };
}
macro_rules! policies {
    ($( $(#[$doc:meta])* $name:ident $owner:literal $grad:ident $(from $from:literal)? $(refresh $refresh:literal)?; )*) => { $(
        $(#[$doc])*
        pub struct $name(());
        #[diagnostic::do_not_recommend]
        impl Policy for $name {
            type Grad = $grad;
            const OWNER: &'static str = $owner;
            const FROM: Option<&'static str> = [$( Some($from), )? None][0];
            const REFRESH: Option<&'static str> = [$( Some($refresh), )? None][0];
        }
        argument!($name);
    )* };
}
policies! {
    /// The policy being trained.
    Actor "actor" Grad;
    /// The actor as it was before training.
    Reference "reference" NoGrad from "actor";
    /// The actor as it was when the responses were drawn.
    Behavior "behavior" NoGrad from "actor" refresh "rollout";
    /// The actor of the iteration before.
    Previous "previous" NoGrad from "actor" refresh "iteration";
    /// Another model, of the same vocabulary, that the actor is to become like.
    Teacher "teacher" NoGrad;
}

macro_rules! heads {
    ($( $(#[$doc:meta])* $name:ident $owner:literal {
        $( $(#[$method_doc:meta])* $method:ident $Level:ident $Kind:ident $Grad:ident; )*
    } )*) => { $(
        $(#[$doc])*
        pub struct $name(());
        argument!($name);
        impl $name { $(
            $(#[$method_doc])*
            #[track_caller]
            pub fn $method<Y: Side>(&self, y: Reply<Y>) -> $Level<$Kind, Y, $Grad> {
                let _ = y;
                input($owner, stringify!($method))
            }
        )* }
    )* };
}
heads! {
    /// Predicts returns; trained beside the actor.
    Critic "critic" {
        /// The prediction at each token.
        value PerToken Value Grad;
    }
    /// A reward model being trained.
    RewardModel "reward_model" {
        /// What it gives a response.
        score PerResponse Reward Grad;
        /// How unsure it is of that: a standard deviation, larger than 0.
        spread PerResponse Spread Grad;
        /// How helpful it finds a response.
        helpfulness PerResponse Reward Grad;
        /// How correct it finds a response.
        correctness PerResponse Reward Grad;
        /// How coherent it finds a response.
        coherence PerResponse Reward Grad;
        /// How complex it finds a response.
        complexity PerResponse Reward Grad;
        /// How verbose it finds a response.
        verbosity PerResponse Reward Grad;
    }
    /// A reward model that is not trained.
    Judge "judge" {
        /// What it gives a response.
        score PerResponse Reward NoGrad;
    }
}
