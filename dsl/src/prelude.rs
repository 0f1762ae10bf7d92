//! The words of the language, one by one.

/// Brings every word of the language into scope: `collimate::prelude!();`.
///
/// It is a macro because rustc prints a name that reached a file through `*` with its path, in every message. The
/// explicit `use` it expands to keeps the messages short.
#[macro_export]
macro_rules! prelude {
    () => {
        #[allow(unused_imports)]
        use $crate::{
            Actor, Advantage, Algorithm, Annotated, Answer, BackwardKl, Baseline, Behavior, Chosen, Count, Critic,
            Demo, Distance, Entropy, Formula, ForwardKl, Frozen, Gain, Grad, Gradient, Group, Hyper, Judge, Kind, Kl,
            Limit, LogProb, LogRatio, Loss, Margin, Mismatched, NoGrad, Number, Pair, Param, PerPrompt, PerResponse,
            PerToken, Policy, Previous, Prob, Prompt, Quantity, Rated, Ratio, Reduce, Reference, Rejected, Reply,
            Response, Return, Reward, RewardModel, Sample, Scalar, ScoredPair, Several, Side, Spread, SquaredDistance,
            Token, Trainable, Unpaired, Value, Weight, algorithm, backward_kl, fixed_margin, forward_kl, group_mean,
            leave_one_out, log_sigmoid, log_softmax, loss, max, min, policy, report, report_rewards, reward, sigmoid,
            squared_distance, squared_error,
        };
        // What a loss carries from step to step.
        #[allow(unused_imports)]
        use $crate::state;
    };
}
