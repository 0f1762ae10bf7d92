//! Everything a formula can call.

mod baseline;
mod distance;
mod formula;
mod pointwise;
mod report;
mod state;

pub use baseline::{group_mean, leave_one_out, log_softmax};
pub use distance::{BackwardKl, Distance, ForwardKl, SquaredDistance, backward_kl, forward_kl, squared_distance};
pub use formula::Formula;
pub use pointwise::{fixed_margin, log_sigmoid, max, min, sigmoid, squared_error};
pub use report::{report, report_rewards};
pub use state::state;
