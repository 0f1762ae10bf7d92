//! The axes a value can be reduced over. They nest: `Prompt > Response > Token`.

/// The tokens of a response: the innermost axis.
#[derive(Clone, Copy)]
pub struct Token;
/// The responses to a prompt.
#[derive(Clone, Copy)]
pub struct Response;
/// The prompts of the batch: the outermost axis.
#[derive(Clone, Copy)]
pub struct Prompt;
