//! The CPU as a backend: slices of the host and the kernels on them.

use super::{
    backend::{Backend, Columns, Part, Shape, Write},
    map::Projection,
    plan::{Plan, Scored},
    pool::{Buffer, Pool},
};
use collimate_kernels::{
    attention::{self, Segment},
    bias, embedding, head, head_norm,
    matrix::{Matrix, MatrixMut, Threads, linear, linear_input, linear_weight, multiply_scaled},
    rms_norm,
    rotary::{self, Angles},
    stored::{Stored, bf16},
    swiglu,
};
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// The cores of this machine.
#[derive(Debug)]
pub(super) struct CpuBackend {
    shape: Shape,
    /// Are products with weights, and those of their gradients, in bf16?
    halves: bool,
    /// Scores that the head keeps for its backward pass, at most.
    most_kept: usize,
    pool: Arc<Pool>,
    /// For as many positions as any batch has had so far.
    angles: Mutex<Arc<Angles>>,
    /// Where the weights of norms are widened or rounded while nobody does.
    rooms: Mutex<Vec<Vec<f32>>>,
}

/// Weights in the memory of this machine, in whatever they are stored.
pub(super) type Held = dyn Storage;

/// What weights are stored in.
pub(super) trait Storage: Sync {
    /// All of them, as they are stored.
    fn stored(&self) -> Stored<'_>;
}

impl Storage for Vec<f32> {
    fn stored(&self) -> Stored<'_> {
        Stored::Whole(self)
    }
}

impl Storage for Vec<bf16> {
    fn stored(&self) -> Stored<'_> {
        Stored::Halves(self)
    }
}

impl CpuBackend {
    pub(super) fn new(shape: Shape, halves: bool) -> Self {
        let angles = Mutex::new(Arc::new(Angles::new(&shape.frequencies, 0)));
        CpuBackend { shape, halves, most_kept: head::KEPT, pool: Arc::default(), angles, rooms: Mutex::default() }
    }

    /// The same where the head keeps up to so many scores for its backward pass.
    pub(super) fn keeping(self, most_kept: usize) -> Self {
        CpuBackend { most_kept, ..self }
    }

    /// Rotary angles for this many positions or more.
    pub(super) fn angles(&self, positions: usize) -> Arc<Angles> {
        let mut angles = self.angles.lock().unwrap_or_else(PoisonError::into_inner);
        if angles.positions() < positions {
            *angles = Arc::new(Angles::new(&self.shape.frequencies, positions.next_power_of_two()));
        }
        Arc::clone(&angles)
    }

    #[cfg(test)]
    pub(super) fn buffers_made(&self) -> usize {
        self.pool.made()
    }

    /// Some of the weights, as products take them.
    pub(super) fn read<'a>(&self, weights: &'a Held, range: &Range<usize>) -> Stored<'a> {
        match weights.stored().part(range.clone()) {
            Stored::Whole(weights) if self.halves => Stored::Rounded(weights),
            stored => stored,
        }
    }

    fn rows_turned(&self) -> (usize, usize) {
        let heads = self.shape.heads;
        (heads.row(), heads.query + heads.key)
    }
}

impl Backend for CpuBackend {
    type Slice = [f32];
    type Weights = Held;
    type Buffer = Buffer;

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn expect(&self, rows: usize) {
        self.pool.expect(rows);
    }

    fn buffer(&self, length: usize) -> Buffer {
        self.pool.take(length)
    }

    fn zeros(&self, length: usize) -> Buffer {
        let mut buffer = self.pool.take(length);
        buffer.fill(0.0);
        buffer
    }

    fn copy(&self, of: &[f32]) -> Buffer {
        self.upload(of)
    }

    fn upload(&self, numbers: &[f32]) -> Buffer {
        let mut buffer = self.pool.take(numbers.len());
        buffer.copy_from_slice(numbers);
        buffer
    }

    fn length(&self, of: &[f32]) -> usize {
        of.len()
    }

    fn download(&self, from: &[f32]) -> Vec<f32> {
        from.to_vec()
    }

    fn linear(&self, y: &mut [f32], write: Write, x: &[f32], weights: &Held, w: &Projection) {
        linear(y, write, x, self.read(weights, &w.range), w.inner, Threads::All);
    }

    fn linear_input(&self, d_x: &mut [f32], d_y: &[f32], weights: &Held, w: &Projection) {
        linear_input(d_x, Write::Set, d_y, self.read(weights, &w.range), w.inner, Threads::All);
    }

    fn linear_weight(&self, gradient: &mut [f32], d_y: &[f32], x: &[f32], w: &Projection) {
        linear_weight(&mut gradient[w.range.clone()], d_y, x, w.inner, self.halves, Threads::All);
    }

    fn add_columns(&self, y: &mut [f32], columns: &Columns, scale: f32, x: &[f32], weights: &Held, w: &Projection) {
        let rows = x.len() / w.inner;
        let y = MatrixMut::strided(&mut y[columns.range.start..], rows, w.out, columns.of);
        self.widened(weights, &w.range, |weight| {
            let weight = Matrix::new(weight, w.out, w.inner).transposed();
            multiply_scaled(y, Write::Add, scale, Matrix::new(x, rows, w.inner), weight, Threads::All);
        });
    }

    fn columns_input(
        &self,
        d_x: &mut [f32],
        write: Write,
        scale: f32,
        d_y: &[f32],
        columns: &Columns,
        weights: &Held,
        w: &Projection,
    ) {
        let rows = d_x.len() / w.inner;
        let d_y = Matrix::strided(&d_y[columns.range.start..], rows, w.out, columns.of);
        self.widened(weights, &w.range, |weight| {
            let weight = Matrix::new(weight, w.out, w.inner);
            multiply_scaled(MatrixMut::new(d_x, rows, w.inner), write, scale, d_y, weight, Threads::All);
        });
    }

    fn columns_weight(
        &self,
        gradient: &mut [f32],
        scale: f32,
        d_y: &[f32],
        columns: &Columns,
        x: &[f32],
        w: &Projection,
    ) {
        let rows = x.len() / w.inner;
        let d_weight = MatrixMut::new(&mut gradient[w.range.clone()], w.out, w.inner);
        let d_y = Matrix::strided(&d_y[columns.range.start..], rows, w.out, columns.of).transposed();
        multiply_scaled(d_weight, Write::Add, scale, d_y, Matrix::new(x, rows, w.inner), Threads::All);
    }

    fn norm(&self, y: &mut [f32], inverse: &mut [f32], x: &[f32], w: Part<'_, Held>) {
        let epsilon = self.shape.epsilon;
        self.widened(w.all, w.range, |weight| rms_norm::forward(y, inverse, x, weight, epsilon));
    }

    fn norm_again(&self, y: &mut [f32], x: &[f32], inverse: &[f32], w: Part<'_, Held>) {
        self.widened(w.all, w.range, |weight| rms_norm::apply(y, x, inverse, weight));
    }

    fn norm_backward(
        &self,
        d_x: &mut [f32],
        gradient: Option<&mut [f32]>,
        d_y: &[f32],
        x: &[f32],
        inverse: &[f32],
        w: Part<'_, Held>,
    ) {
        let mut unread = None;
        let d_weight = self.trained(gradient, w.range, &mut unread);
        self.widened(w.all, w.range, |weight| rms_norm::backward(d_x, d_weight, d_y, x, inverse, weight));
    }

    fn bias(&self, y: &mut [f32], w: Part<'_, Held>) {
        self.widened(w.all, w.range, |added| bias::add(y, added));
    }

    fn bias_backward(&self, gradient: &mut [f32], d_y: &[f32], w: &Range<usize>) {
        bias::backward(&mut gradient[w.clone()], d_y);
    }

    fn head_norm(&self, y: &mut [f32], inverse: &mut [f32], x: &[f32], w: Part<'_, Held>) {
        let (heads, epsilon) = (self.shape.heads, self.shape.epsilon);
        self.widened(w.all, w.range, |weights| head_norm::forward(y, inverse, x, weights, heads, epsilon));
    }

    fn head_norm_backward(
        &self,
        d_qkv: &mut [f32],
        gradient: Option<&mut [f32]>,
        x: &[f32],
        inverse: &[f32],
        w: Part<'_, Held>,
    ) {
        let mut unread = None;
        let d_weights = self.trained(gradient, w.range, &mut unread);
        let heads = self.shape.heads;
        self.widened(w.all, w.range, |weights| head_norm::backward(d_qkv, d_weights, x, inverse, weights, heads));
    }

    fn rotate(&self, qkv: &mut [f32], plan: &Plan) {
        let (width, heads) = self.rows_turned();
        rotary::turn(qkv, width, heads, &self.angles(plan.longest()), &plan.positions);
    }

    fn rotate_back(&self, d_qkv: &mut [f32], plan: &Plan) {
        let (width, heads) = self.rows_turned();
        rotary::turn_back(d_qkv, width, heads, &self.angles(plan.longest()), &plan.positions);
    }

    fn attention(&self, out: &mut [f32], logsumexp: &mut [f32], qkv: &[f32], segments: &[Segment]) {
        attention::forward(out, logsumexp, qkv, segments, self.shape.heads);
    }

    fn attention_backward(
        &self,
        d_qkv: &mut [f32],
        d_out: &[f32],
        out: &[f32],
        logsumexp: &[f32],
        qkv: &[f32],
        segments: &[Segment],
    ) {
        attention::backward(d_qkv, d_out, out, logsumexp, qkv, segments, self.shape.heads);
    }

    fn gate(&self, y: &mut [f32], gate_up: &[f32]) {
        swiglu::forward(y, gate_up, self.shape.intermediate);
    }

    fn gate_backward(&self, gate_up: &mut [f32], d_y: &mut [f32]) {
        swiglu::backward(gate_up, d_y, self.shape.intermediate);
    }

    fn embed(&self, x: &mut [f32], plan: &Plan, w: Part<'_, Held>) {
        embedding::gather(x, self.read(w.all, w.range), &plan.tokens, self.shape.hidden);
    }

    fn embed_backward(&self, gradient: &mut [f32], d_x: &[f32], plan: &Plan, w: &Range<usize>) {
        embedding::scatter_add(&mut gradient[w.clone()], d_x, &plan.tokens, self.shape.hidden);
    }

    fn pick(&self, y: &mut [f32], x: &[f32], rows: &[u32]) {
        if !rows.is_empty() {
            embedding::gather(y, x, rows, y.len() / rows.len());
        }
    }

    fn pick_backward(&self, d_x: &mut [f32], d_y: &[f32], rows: &[u32]) {
        if !rows.is_empty() {
            embedding::scatter_add(d_x, d_y, rows, d_y.len() / rows.len());
        }
    }

    fn kept(&self, rows: usize, w: &Range<usize>) -> Option<Buffer> {
        let scores = head::kept(rows, w.len() / self.shape.hidden).min(self.most_kept);
        Some(self.pool.take_at_most(scores, self.most_kept))
    }

    fn head(
        &self,
        logp: &mut [f32],
        logsumexp: &mut [f32],
        kept: Option<&mut [f32]>,
        hidden: &[f32],
        scored: &Scored<'_>,
        w: Part<'_, Held>,
    ) {
        head::forward(logp, logsumexp, kept.unwrap_or_default(), self.head_inputs(hidden, scored, &w));
    }

    fn head_backward(
        &self,
        d_hidden: &mut [f32],
        gradient: Option<&mut [f32]>,
        d_logp: &[f32],
        logsumexp: &[f32],
        kept: Option<&mut [f32]>,
        hidden: &[f32],
        scored: &Scored<'_>,
        w: Part<'_, Held>,
    ) {
        let inputs = self.head_inputs(hidden, scored, &w);
        let d_hidden = &mut d_hidden[scored.rows(self.shape.hidden)];
        let d_table = gradient.map(|gradient| &mut gradient[w.range.clone()]);
        head::backward(d_hidden, d_table, d_logp, logsumexp, kept.unwrap_or_default(), inputs);
    }
}

impl CpuBackend {
    /// The gradient of some weights if they are trained, and otherwise as many numbers, which nobody looks at.
    fn trained<'a>(
        &self,
        gradient: Option<&'a mut [f32]>,
        range: &Range<usize>,
        unread: &'a mut Option<Buffer>,
    ) -> &'a mut [f32] {
        match gradient {
            Some(gradient) => &mut gradient[range.clone()],
            None => unread.insert(self.zeros(range.len())),
        }
    }

    /// Works with some of the weights in f32.
    fn widened(&self, weights: &Held, range: &Range<usize>, work: impl FnOnce(&[f32])) {
        let rooms = || self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = rooms().pop().unwrap_or_default();
        work(self.read(weights, range).wide(&mut room));
        rooms().push(room);
    }

    fn head_inputs<'a>(&self, hidden: &'a [f32], scored: &Scored<'a>, w: &Part<'a, Held>) -> head::Inputs<'a> {
        let (table, width) = (self.read(w.all, w.range), self.shape.hidden);
        let targets = &scored.plan.targets[scored.tokens.clone()];
        head::Inputs { hidden: &hidden[scored.rows(width)], table, targets, width }
    }
}
