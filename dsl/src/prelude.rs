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
            Demo, Distance, Document, Entropy, Formula, ForwardKl, Frozen, Gain, Grad, Gradient, Group, Hyper, Judge,
            Kind, Kl, Limit, LogProb, LogRatio, Loss, Margin, Mismatched, NoGrad, Number, Pair, Param, PerPrompt,
            PerResponse, PerToken, Policy, Previous, Prob, Prompt, Quantity, Rated, Ratio, Reduce, Reference, Rejected,
            Reply, Response, Return, Reward, RewardModel, Sample, Scalar, ScoredPair, Several, Side, Spread,
            SquaredDistance, Token, Trainable, Unpaired, Value, Weight, abs_k1, algorithm, at_last, backward_kl,
            batch_std, choose, fixed_margin, forward_kl, gae, group_mean, group_std, k1, k2, k3, leave_one_out, length,
            log_interval, log_sigmoid, log_softmax, loss, max, min, others_std, overlap, policy, report,
            report_rewards, returns, reward, sigmoid, sorted, squared_distance, squared_error, when_negative, whiten,
        };
        // Every word of the vocabulary, and what a loss carries from step to step.
        #[allow(unused_imports)]
        use $crate::{PerVocab, Teacher, Vocab, entropy, kl, mixture, renormalised, state, top_words};
    };
}
