//! A GPU as a backend: numbers in its memory and the kernels on them.

use super::super::{
    backend::{Backend, Columns, Part, Shape, Write},
    map::Projection,
    plan::{Plan, Scored},
};
use super::known::Known;
use collimate_kernels::{
    attention::{Reach, Segment},
    cuda::{
        Element, Numbers, Repeats, Stream, View, ViewMut, attention, bias, decoding, embedding, head, head_norm,
        matrix::{self, Matrix, multiply, multiply_columns},
        rms_norm, rotary, swiglu,
    },
    rotary::Angles,
};
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// One GPU.
#[derive(Debug)]
pub(super) struct GpuBackend {
    shape: Shape,
    pub(super) stream: Stream,
    /// How weights and the states of rows are stored.
    pub(super) element: Element,
    /// For as many positions as any batch has had so far.
    turns: Mutex<Option<Arc<rotary::Turns>>>,
    // A batch asks for the same of every layer.
    indices: Known<Vec<u32>, Numbers>,
    sorted: Known<Vec<u32>, embedding::Sorted>,
    layouts: Known<(Vec<Segment>, usize), attention::Layout>,
    reaches: Known<Vec<Reach>, decoding::Reaches>,
    /// Scores of a step, by how many there are.
    pub(super) scores: Known<usize, Mutex<Numbers>>,
    /// None if everything goes step by step.
    repeats: Option<Repeats>,
}

impl GpuBackend {
    pub(super) fn new(shape: Shape, stream: Stream, element: Element, replay: bool) -> Self {
        let turns = Mutex::new(None);
        let (indices, sorted, layouts, reaches, scores) = Default::default();
        let repeats = replay.then(|| Repeats::new(stream.clone()));
        GpuBackend { shape, stream, element, turns, indices, sorted, layouts, reaches, scores, repeats }
    }

    /// Does work that needs nothing of a batch's, and may be the same another time.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        self.forget();
        self.repeated(work)
    }

    /// Does work on what a batch left, which may be the same another time.
    pub(super) fn repeated<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.repeats {
            Some(repeats) => repeats.run(work),
            None => work(),
        }
    }

    /// What was made for a batch is of no use to the next. Were it kept, memory would not be where it was for another batch of
    /// this size.
    fn forget(&self) {
        self.indices.forget();
        self.sorted.forget();
        self.layouts.forget();
        self.reaches.forget();
    }

    fn turns(&self, positions: usize) -> Arc<rotary::Turns> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        match &*turns {
            Some(turns) if turns.positions() >= positions => Arc::clone(turns),
            _ => {
                let angles = Angles::new(&self.shape.frequencies, positions.next_power_of_two());
                Arc::clone(turns.insert(Arc::new(rotary::Turns::new(&self.stream, &angles))))
            }
        }
    }

    pub(super) fn indices(&self, of: &[u32]) -> Arc<Numbers> {
        self.indices.find(|known| known == of, || (of.to_vec(), self.stream.upload_indices(of)))
    }

    fn sorted(&self, of: &[u32]) -> Arc<embedding::Sorted> {
        self.sorted.find(|known| known == of, || (of.to_vec(), embedding::Sorted::new(&self.stream, of)))
    }

    pub(super) fn reaches(&self, of: &[Reach]) -> Arc<decoding::Reaches> {
        self.reaches.find(|known| known == of, || (of.to_vec(), decoding::Reaches::new(&self.stream, of)))
    }

    fn layout(&self, segments: &[Segment], tokens: usize) -> Arc<attention::Layout> {
        let same = |known: &(Vec<Segment>, usize)| known.0 == segments && known.1 == tokens;
        self.layouts.find(same, || {
            (
                (segments.to_vec(), tokens),
                attention::Layout::new(&self.stream, segments, tokens, self.element, self.shape.heads),
            )
        })
    }

    /// The gradient of some weights if they are trained, and otherwise as many numbers, which nobody looks at.
    fn trained<'a>(
        &self,
        gradient: Option<&'a mut Numbers>,
        range: &Range<usize>,
        unread: &'a mut Option<Numbers>,
    ) -> ViewMut<'a> {
        match gradient {
            Some(gradient) => gradient.view_mut().part(range.clone()),
            None => unread.insert(self.stream.zeros(Element::F32, range.len())).view_mut(),
        }
    }

    fn turn(&self, qkv: &mut Numbers, plan: &Plan, back: bool) {
        let heads = self.shape.heads;
        let (turns, positions) = (self.turns(plan.longest()), self.indices(&plan.positions));
        let turned = heads.query + heads.key;
        rotary::turn(&self.stream, qkv.view_mut(), heads.row(), turned, &turns, positions.view(), back);
    }
}

impl Part<'_, Numbers> {
    fn numbers(&self) -> View<'_> {
        self.all.view().part(self.range.clone())
    }
}

fn weight<'a>(weights: &'a Numbers, w: &Projection) -> Matrix<'a> {
    Matrix::new(weights.view().part(w.range.clone()), w.out, w.inner)
}

impl Backend for GpuBackend {
    type Slice = Numbers;
    type Weights = Numbers;
    type Buffer = Box<Numbers>;

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn forwards<T>(&self, plan: &Plan, work: impl FnOnce() -> T) -> T {
        self.forget();
        // They stay from batch to batch, and so are not made within.
        drop(self.turns(plan.longest()));
        self.repeated(work)
    }

    fn backwards<T>(&self, work: impl FnOnce() -> T) -> T {
        self.repeated(work)
    }

    fn buffer(&self, length: usize) -> Box<Numbers> {
        Box::new(self.stream.numbers(self.element, length))
    }

    fn zeros(&self, length: usize) -> Box<Numbers> {
        Box::new(self.stream.zeros(self.element, length))
    }

    fn copy(&self, of: &Numbers) -> Box<Numbers> {
        Box::new(self.stream.copy(of.view()))
    }

    fn upload(&self, numbers: &[f32]) -> Box<Numbers> {
        Box::new(self.stream.upload(self.element, numbers))
    }

    fn exact(&self, length: usize) -> Box<Numbers> {
        Box::new(self.stream.numbers(Element::F32, length))
    }

    fn upload_exact(&self, numbers: &[f32]) -> Box<Numbers> {
        Box::new(self.stream.upload(Element::F32, numbers))
    }

    fn length(&self, of: &Numbers) -> usize {
        of.len()
    }

    fn download(&self, from: &Numbers) -> Vec<f32> {
        self.stream.download(from.view())
    }

    fn linear(&self, y: &mut Numbers, write: Write, x: &Numbers, weights: &Numbers, w: &Projection) {
        let x = Matrix::new(x.view(), x.len() / w.inner, w.inner);
        multiply(&self.stream, &mut y.view_mut(), write, x, weight(weights, w).transposed());
    }

    fn linear_input(&self, d_x: &mut Numbers, d_y: &Numbers, weights: &Numbers, w: &Projection) {
        let d_y = Matrix::new(d_y.view(), d_y.len() / w.out, w.out);
        multiply(&self.stream, &mut d_x.view_mut(), Write::Set, d_y, weight(weights, w));
    }

    fn linear_weight(&self, gradient: &mut Numbers, d_y: &Numbers, x: &Numbers, w: &Projection) {
        let d_y = Matrix::new(d_y.view(), d_y.len() / w.out, w.out);
        let x = Matrix::new(x.view(), x.len() / w.inner, w.inner);
        let mut d_weight = gradient.view_mut().part(w.range.clone());
        multiply(&self.stream, &mut d_weight, Write::Add, d_y.transposed(), x);
    }

    fn add_columns(
        &self,
        y: &mut Numbers,
        columns: &Columns,
        scale: f32,
        x: &Numbers,
        weights: &Numbers,
        w: &Projection,
    ) {
        let x = Matrix::new(x.view(), x.len() / w.inner, w.inner);
        let y = matrix::Columns { numbers: y.view_mut(), of: columns.of, range: columns.range.clone() };
        multiply_columns(&self.stream, y, Write::Add, scale, x, weight(weights, w).transposed());
    }

    fn columns_input(
        &self,
        d_x: &mut Numbers,
        write: Write,
        scale: f32,
        d_y: &Numbers,
        columns: &Columns,
        weights: &Numbers,
        w: &Projection,
    ) {
        let d_y = Matrix::columns(d_y.view(), columns.of, columns.range.clone());
        let d_x = matrix::Columns { numbers: d_x.view_mut(), of: w.inner, range: 0..w.inner };
        multiply_columns(&self.stream, d_x, write, scale, d_y, weight(weights, w));
    }

    fn columns_weight(
        &self,
        gradient: &mut Numbers,
        scale: f32,
        d_y: &Numbers,
        columns: &Columns,
        x: &Numbers,
        w: &Projection,
    ) {
        let rows = x.len() / w.inner;
        if rows == 0 {
            return;
        }
        let d_y = Matrix::columns(d_y.view(), columns.of, columns.range.clone()).transposed();
        let d_weight = gradient.view_mut().part(w.range.clone());
        let d_weight = matrix::Columns { numbers: d_weight, of: w.inner, range: 0..w.inner };
        multiply_columns(&self.stream, d_weight, Write::Add, scale, d_y, Matrix::new(x.view(), rows, w.inner));
    }

    fn norm(&self, y: &mut Numbers, inverse: &mut Numbers, x: &Numbers, w: Part<'_, Numbers>) {
        let epsilon = self.shape.epsilon;
        rms_norm::forward(&self.stream, y.view_mut(), inverse.view_mut(), x.view(), w.numbers(), epsilon);
    }

    fn norm_again(&self, y: &mut Numbers, x: &Numbers, inverse: &Numbers, w: Part<'_, Numbers>) {
        rms_norm::apply(&self.stream, y.view_mut(), x.view(), inverse.view(), w.numbers());
    }

    fn norm_backward(
        &self,
        d_x: &mut Numbers,
        gradient: Option<&mut Numbers>,
        d_y: &Numbers,
        x: &Numbers,
        inverse: &Numbers,
        w: Part<'_, Numbers>,
    ) {
        let mut unread = None;
        let d_weight = self.trained(gradient, w.range, &mut unread);
        let (d_y, x, inverse) = (d_y.view(), x.view(), inverse.view());
        rms_norm::backward(&self.stream, d_x.view_mut(), d_weight, d_y, x, inverse, w.numbers());
    }

    fn bias(&self, y: &mut Numbers, w: Part<'_, Numbers>) {
        bias::add(&self.stream, y.view_mut(), w.numbers());
    }

    fn bias_backward(&self, gradient: &mut Numbers, d_y: &Numbers, w: &Range<usize>) {
        bias::backward(&self.stream, gradient.view_mut().part(w.clone()), d_y.view());
    }

    fn head_norm(&self, y: &mut Numbers, inverse: &mut Numbers, x: &Numbers, w: Part<'_, Numbers>) {
        let (y, inverse) = (y.view_mut(), inverse.view_mut());
        head_norm::forward(&self.stream, y, inverse, x.view(), w.numbers(), self.shape.heads, self.shape.epsilon);
    }

    fn head_norm_backward(
        &self,
        d_qkv: &mut Numbers,
        gradient: Option<&mut Numbers>,
        x: &Numbers,
        inverse: &Numbers,
        w: Part<'_, Numbers>,
    ) {
        let mut unread = None;
        let d_weights = self.trained(gradient, w.range, &mut unread);
        let (x, inverse) = (x.view(), inverse.view());
        head_norm::backward(&self.stream, d_qkv.view_mut(), d_weights, x, inverse, w.numbers(), self.shape.heads);
    }

    fn rotate(&self, qkv: &mut Numbers, plan: &Plan) {
        self.turn(qkv, plan, false);
    }

    fn rotate_back(&self, d_qkv: &mut Numbers, plan: &Plan) {
        self.turn(d_qkv, plan, true);
    }

    fn attention(&self, out: &mut Numbers, logsumexp: &mut Numbers, qkv: &Numbers, segments: &[Segment]) {
        let heads = self.shape.heads;
        let layout = self.layout(segments, qkv.len() / heads.row());
        // Rows that nobody asks for go through the next product all the same.
        self.stream.clear(out.view_mut());
        attention::forward(&self.stream, out.view_mut(), logsumexp.view_mut(), qkv.view(), &layout, heads);
    }

    fn attention_backward(
        &self,
        d_qkv: &mut Numbers,
        d_out: &Numbers,
        out: &Numbers,
        logsumexp: &Numbers,
        qkv: &Numbers,
        segments: &[Segment],
    ) {
        let heads = self.shape.heads;
        let layout = self.layout(segments, qkv.len() / heads.row());
        let (d_out, out, logsumexp, qkv) = (d_out.view(), out.view(), logsumexp.view(), qkv.view());
        let inputs = attention::Inputs { d_out, out, logsumexp, qkv };
        attention::backward(&self.stream, d_qkv.view_mut(), inputs, &layout, heads);
    }

    fn gate(&self, y: &mut Numbers, gate_up: &Numbers) {
        swiglu::forward(&self.stream, y.view_mut(), gate_up.view(), self.shape.intermediate);
    }

    fn gate_backward(&self, gate_up: &mut Numbers, d_y: &mut Numbers) {
        swiglu::backward(&self.stream, gate_up.view_mut(), d_y.view_mut(), self.shape.intermediate);
    }

    fn embed(&self, x: &mut Numbers, plan: &Plan, w: Part<'_, Numbers>) {
        let tokens = self.indices(&plan.tokens);
        embedding::gather(&self.stream, x.view_mut(), w.numbers(), tokens.view(), self.shape.hidden);
    }

    fn embed_backward(&self, gradient: &mut Numbers, d_x: &Numbers, plan: &Plan, w: &Range<usize>) {
        let (d_table, tokens) = (gradient.view_mut().part(w.clone()), self.sorted(&plan.tokens));
        embedding::scatter_add(&self.stream, d_table, d_x.view(), &tokens, self.shape.hidden);
    }

    fn pick(&self, y: &mut Numbers, x: &Numbers, rows: &[u32]) {
        if !rows.is_empty() {
            let width = y.len() / rows.len();
            embedding::gather(&self.stream, y.view_mut(), x.view(), self.indices(rows).view(), width);
        }
    }

    fn pick_backward(&self, d_x: &mut Numbers, d_y: &Numbers, rows: &[u32]) {
        if !rows.is_empty() {
            let width = d_y.len() / rows.len();
            embedding::scatter_add(&self.stream, d_x.view_mut(), d_y.view(), &self.sorted(rows), width);
        }
    }

    fn head(
        &self,
        logp: &mut Numbers,
        logsumexp: &mut Numbers,
        _kept: Option<&mut Numbers>,
        hidden: &Numbers,
        scored: &Scored<'_>,
        w: Part<'_, Numbers>,
    ) {
        let (targets, rows) = (self.indices(&scored.plan.targets), scored.rows(self.shape.hidden));
        let (targets, table) = (targets.view().part(scored.tokens.clone()), w.numbers());
        let inputs = head::Inputs { hidden: hidden.view().part(rows), table, targets, width: self.shape.hidden };
        head::forward(&self.stream, logp.view_mut(), logsumexp.view_mut(), inputs, head::Tile::default());
    }

    fn head_backward(
        &self,
        d_hidden: &mut Numbers,
        gradient: Option<&mut Numbers>,
        d_logp: &Numbers,
        logsumexp: &Numbers,
        _kept: Option<&mut Numbers>,
        hidden: &Numbers,
        scored: &Scored<'_>,
        w: Part<'_, Numbers>,
    ) {
        let (targets, rows) = (self.indices(&scored.plan.targets), scored.rows(self.shape.hidden));
        let (targets, table) = (targets.view().part(scored.tokens.clone()), w.numbers());
        let inputs = head::Inputs { hidden: hidden.view().part(rows), table, targets, width: self.shape.hidden };
        let d_table = gradient.map(|gradient| gradient.view_mut().part(w.range.clone()));
        let d_hidden = d_hidden.view_mut().part(scored.rows(self.shape.hidden));
        let (d_logp, logsumexp) = (d_logp.view(), logsumexp.view());
        head::backward(&self.stream, d_hidden, d_table, d_logp, logsumexp, inputs, head::Tile::default());
    }
}
