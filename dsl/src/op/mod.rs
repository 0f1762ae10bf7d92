//! Everything a formula can call.

mod baseline;
mod choice;
mod distance;
mod divergence;
mod formula;
mod pointwise;
mod report;
mod sequence;
mod state;
mod statistics;
mod vocabulary;

pub use baseline::{group_mean, leave_one_out, log_softmax};
pub use choice::{choose, log_interval, when_negative};
pub use distance::{BackwardKl, Distance, ForwardKl, SquaredDistance, backward_kl, forward_kl, squared_distance};
pub use divergence::{abs_k1, k1, k2, k3};
pub use formula::Formula;
pub use pointwise::{fixed_margin, log_sigmoid, max, min, sigmoid, squared_error};
pub use report::{report, report_rewards};
pub use sequence::{at_last, gae, length, overlap, returns};
pub use state::state;
pub use statistics::{batch_std, group_std, others_std, sorted, whiten};
pub use vocabulary::{entropy, kl, mixture, renormalised, top_words};
