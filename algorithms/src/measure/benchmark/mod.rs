//! Files on which reward models are compared: which response is better, and of what sort the question is.
//!
//! | format | columns |
//! |---|---|
//! | pairs | `prompt`, `chosen`, `rejected`, and `category` if there is one |
//! | RewardBench, arXiv:2403.13787 | `prompt`, `chosen`, `rejected`, `subset` |
//! | RM-Bench, arXiv:2410.16184 | `prompt`, `chosen` and `rejected` (three of each: concise, detailed, detailed with markdown), `domain` |
//! | JudgeBench, arXiv:2410.12784 | `question`, `response_A`, `response_B`, `label` (`A>B` or `B>A`), `source` |
//! | compared by people (HelpSteer2, HelpSteer3) | `prompt` or `context`, two responses, what all said and what each said |

mod count;
mod row;
mod sections;

pub use count::{Counted, Part};
pub use row::{Format, Item, People, read};
