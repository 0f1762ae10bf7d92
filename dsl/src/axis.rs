//! The axes a value can be reduced over. They nest: `Prompt > Response > Token > Vocab`.

/// The words of the vocabulary at a token: the innermost axis.
#[derive(Clone, Copy)]
pub struct Vocab;
/// The tokens of a response.
#[derive(Clone, Copy)]
pub struct Token;
/// The responses to a prompt.
#[derive(Clone, Copy)]
pub struct Response;
/// The prompts of the batch: the outermost axis.
#[derive(Clone, Copy)]
pub struct Prompt;
