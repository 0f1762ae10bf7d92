//! The operations a device must have for the decoder to run on it.

use super::{
    map::Projection,
    plan::{Plan, Scored},
};
use collimate_kernels::attention::{Heads, Segment};
pub(super) use collimate_kernels::matrix::Write;
use std::ops::{DerefMut, Range};

/// What stays the same for a model; a backend is made with it.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) hidden: usize,
    pub(super) intermediate: usize,
    pub(super) heads: Heads,
    pub(super) epsilon: f32,
    /// Angular frequency of each rotary pair.
    pub(super) frequencies: Vec<f64>,
}

/// Some neighbouring numbers of each row of a matrix.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) range: Range<usize>,
    /// Numbers in a row of the matrix.
    pub(super) of: usize,
}

/// Part of a flat vector of weights.
#[derive(Debug)]
pub(super) struct Part<'a, S: ?Sized> {
    pub(super) all: &'a S,
    pub(super) range: &'a Range<usize>,
}

/// A device and its operations.
///
/// Matrices are row-major with one row for each token. `gradient` is the flat vector of all gradients of weights, of
/// which an operation uses the part it is told: it adds to them and never sets them. They, the inverses, logarithms and
/// log-probabilities are exact; everything else may be stored more coarsely.
pub(super) trait Backend {
    /// Numbers on the device.
    type Slice: ?Sized;
    /// All weights of a model.
    type Weights: ?Sized;
    /// Numbers on the device that go back to a pool when dropped.
    type Buffer: DerefMut<Target = Self::Slice>;

    fn shape(&self) -> &Shape;

    /// From now on, buffers are for a batch of this many rows.
    fn expect(&self, _rows: usize) {}
    /// Does a pass over a batch. It may be the same another time, but for the numbers that come from the host: a device may
    /// then do all of it at once. Nothing is downloaded in it.
    fn forwards<T>(&self, _plan: &Plan, work: impl FnOnce() -> T) -> T {
        work()
    }
    /// The pass back over the same batch, likewise.
    fn backwards<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }
    /// A buffer with any numbers in it.
    fn buffer(&self, length: usize) -> Self::Buffer;
    /// A buffer of zeros.
    fn zeros(&self, length: usize) -> Self::Buffer;
    /// A buffer with the same numbers.
    fn copy(&self, of: &Self::Slice) -> Self::Buffer;
    /// A buffer with these numbers.
    fn upload(&self, numbers: &[f32]) -> Self::Buffer;
    /// A buffer for what must stay exact where other numbers are stored more coarsely: what a row's backward pass needs, and
    /// log-probabilities, scores and values.
    fn exact(&self, length: usize) -> Self::Buffer {
        self.buffer(length)
    }
    /// Such a buffer with these numbers.
    fn upload_exact(&self, numbers: &[f32]) -> Self::Buffer {
        self.upload(numbers)
    }
    /// How many numbers there are.
    fn length(&self, of: &Self::Slice) -> usize;
    /// The numbers of a buffer.
    fn download(&self, from: &Self::Slice) -> Vec<f32>;

    /// `y = x Wᵀ`, or `y += x Wᵀ`.
    fn linear(&self, y: &mut Self::Slice, write: Write, x: &Self::Slice, weights: &Self::Weights, w: &Projection);
    /// `dx = dy W`.
    fn linear_input(&self, d_x: &mut Self::Slice, d_y: &Self::Slice, weights: &Self::Weights, w: &Projection);
    /// `dW += dyᵀ x`.
    fn linear_weight(&self, gradient: &mut Self::Slice, d_y: &Self::Slice, x: &Self::Slice, w: &Projection);

    /// `y[columns] += scale x Wᵀ`.
    fn add_columns(
        &self,
        y: &mut Self::Slice,
        columns: &Columns,
        scale: f32,
        x: &Self::Slice,
        weights: &Self::Weights,
        w: &Projection,
    );
    /// `dx = scale dy[columns] W`, or `dx += …`.
    #[allow(clippy::too_many_arguments)]
    fn columns_input(
        &self,
        d_x: &mut Self::Slice,
        write: Write,
        scale: f32,
        d_y: &Self::Slice,
        columns: &Columns,
        weights: &Self::Weights,
        w: &Projection,
    );
    /// `dW += scale dy[columns]ᵀ x`.
    fn columns_weight(
        &self,
        gradient: &mut Self::Slice,
        scale: f32,
        d_y: &Self::Slice,
        columns: &Columns,
        x: &Self::Slice,
        w: &Projection,
    );

    /// Normalises rows, and keeps the inverse root-mean-square of each.
    fn norm(&self, y: &mut Self::Slice, inverse: &mut Self::Slice, x: &Self::Slice, w: Part<'_, Self::Weights>);
    /// The result of [`Backend::norm`] again.
    fn norm_again(&self, y: &mut Self::Slice, x: &Self::Slice, inverse: &Self::Slice, w: Part<'_, Self::Weights>);
    /// Adds to `d_x`, and to the gradient if the weight is trained.
    fn norm_backward(
        &self,
        d_x: &mut Self::Slice,
        gradient: Option<&mut Self::Slice>,
        d_y: &Self::Slice,
        x: &Self::Slice,
        inverse: &Self::Slice,
        w: Part<'_, Self::Weights>,
    );

    /// Adds a vector to every row.
    fn bias(&self, y: &mut Self::Slice, w: Part<'_, Self::Weights>);
    /// Adds to the gradient of that vector.
    fn bias_backward(&self, gradient: &mut Self::Slice, d_y: &Self::Slice, w: &Range<usize>);

    /// Normalises each head of queries and keys by itself, and keeps the inverse root-mean-square of each; values are copied.
    fn head_norm(&self, y: &mut Self::Slice, inverse: &mut Self::Slice, x: &Self::Slice, w: Part<'_, Self::Weights>);
    /// In place: `d_qkv`, the gradient of the result, becomes that of `x`. Adds to the gradient if the weights are trained.
    fn head_norm_backward(
        &self,
        d_qkv: &mut Self::Slice,
        gradient: Option<&mut Self::Slice>,
        x: &Self::Slice,
        inverse: &Self::Slice,
        w: Part<'_, Self::Weights>,
    );

    /// Turns queries and keys by their positions.
    fn rotate(&self, qkv: &mut Self::Slice, plan: &Plan);
    /// Turns their gradients back.
    fn rotate_back(&self, d_qkv: &mut Self::Slice, plan: &Plan);
    /// Causal attention within each segment, and to its prefix.
    fn attention(&self, out: &mut Self::Slice, logsumexp: &mut Self::Slice, qkv: &Self::Slice, segments: &[Segment]);
    /// Sets `d_qkv`.
    fn attention_backward(
        &self,
        d_qkv: &mut Self::Slice,
        d_out: &Self::Slice,
        out: &Self::Slice,
        logsumexp: &Self::Slice,
        qkv: &Self::Slice,
        segments: &[Segment],
    );

    /// `y = silu(gate) * up`.
    fn gate(&self, y: &mut Self::Slice, gate_up: &Self::Slice);
    /// In place: `gate_up` becomes its gradient, and `d_y` becomes `y`.
    fn gate_backward(&self, gate_up: &mut Self::Slice, d_y: &mut Self::Slice);

    /// Rows of the embedding.
    fn embed(&self, x: &mut Self::Slice, plan: &Plan, w: Part<'_, Self::Weights>);
    /// Adds to the gradient of the embedding.
    fn embed_backward(&self, gradient: &mut Self::Slice, d_x: &Self::Slice, plan: &Plan, w: &Range<usize>);
    /// Some rows of the residual stream's or the attention's width, by number.
    fn pick(&self, y: &mut Self::Slice, x: &Self::Slice, rows: &[u32]);
    /// Adds their gradient to that of all rows.
    fn pick_backward(&self, d_x: &mut Self::Slice, d_y: &Self::Slice, rows: &[u32]);
    /// A buffer for scores of all words that the head's backward pass then need not compute again, where that is worth memory.
    fn kept(&self, _rows: usize, _w: &Range<usize>) -> Option<Self::Buffer> {
        None
    }
    /// The log-probability of each of these tokens, and the logarithm of its softmax's sum. `hidden` has a row for each scored
    /// token of the batch.
    fn head(
        &self,
        logp: &mut Self::Slice,
        logsumexp: &mut Self::Slice,
        kept: Option<&mut Self::Slice>,
        hidden: &Self::Slice,
        scored: &Scored<'_>,
        w: Part<'_, Self::Weights>,
    );
    /// Sets these tokens' rows of `d_hidden`, and adds to the gradient of the head if it is trained.
    #[allow(clippy::too_many_arguments)]
    fn head_backward(
        &self,
        d_hidden: &mut Self::Slice,
        gradient: Option<&mut Self::Slice>,
        d_logp: &Self::Slice,
        logsumexp: &Self::Slice,
        kept: Option<&mut Self::Slice>,
        hidden: &Self::Slice,
        scored: &Scored<'_>,
        w: Part<'_, Self::Weights>,
    );
}
