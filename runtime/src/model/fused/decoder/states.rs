//! The hidden states that the scored tokens are predicted from, for who makes something of all words himself.

use super::super::{
    backend::Backend,
    cpu::{CpuBackend, Held},
    plan::Plan,
    pool::Buffer,
};
use super::{Decoder, Kept, part};

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(in super::super) struct StateTrace {
    layers: Vec<Kept<Buffer>>,
    hidden: Buffer,
    inverse: Buffer,
    /// Of each row, if the log-probabilities were asked for.
    logsumexp: Option<Buffer>,
}

/// The log-probabilities of the scored tokens, if asked for, and the states.
pub(in super::super) struct States {
    pub(in super::super) logp: Option<Vec<f32>>,
    /// One for each scored token, after the last norm.
    pub(in super::super) rows: Buffer,
}

impl Decoder<CpuBackend> {
    /// The state of each scored token; nothing is kept.
    pub(in super::super) fn score_states(&self, weights: &Held, plan: &Plan, logp: bool) -> States {
        let [_, _, rows] = self.scored_rows(weights, plan, &self.stream(weights, plan));
        let logp = logp.then(|| self.taken(weights, plan, &rows).0);
        States { logp, rows }
    }

    /// The state of each scored token, and what [`Decoder::backward_states`] needs.
    pub(in super::super) fn forward_states(
        &self,
        weights: &Held,
        plan: &Plan,
        recompute: bool,
        logp: bool,
    ) -> (States, StateTrace) {
        let (stream, layers) = self.traced(weights, plan, recompute);
        let [hidden, inverse, rows] = self.scored_rows(weights, plan, &stream);
        let (logp, logsumexp) = logp.then(|| self.taken(weights, plan, &rows)).unzip();
        (States { logp, rows }, StateTrace { layers, hidden, inverse, logsumexp })
    }

    /// Adds to the gradient of all weights, from the gradient of the states, and that of the log-probabilities where there is one.
    pub(in super::super) fn backward_states(
        &self,
        weights: &Held,
        gradient: &mut [f32],
        plan: &Plan,
        trace: StateTrace,
        rows: &[f32],
        (mut d_rows, d_logp): (Buffer, Option<&[f32]>),
    ) {
        if let (Some(d_logp), Some(logsumexp)) = (d_logp, &trace.logsumexp) {
            let backend = &self.backend;
            let mut more = backend.buffer(plan.rows.len() * backend.shape().hidden);
            let (d_logp, head) = (backend.upload_exact(d_logp), part(weights, &self.map.head));
            let trained = self.map.whole.then_some(&mut *gradient);
            backend.head_backward(&mut more, trained, &d_logp, logsumexp, rows, plan, head);
            d_rows.iter_mut().zip(&*more).for_each(|(d, more)| *d += more);
        }
        let d_x = self.scored_rows_backward(weights, gradient, plan, [&trace.hidden, &trace.inverse], &d_rows);
        self.layers_backward(weights, gradient, plan, trace.layers, d_x);
    }

    /// Log-probabilities of the scored tokens and the logarithms they come from.
    fn taken(&self, weights: &Held, plan: &Plan, rows: &[f32]) -> (Vec<f32>, Buffer) {
        let (backend, count) = (&self.backend, plan.rows.len());
        let (mut logp, mut logsumexp) = (backend.exact(count), backend.exact(count));
        backend.head(&mut logp, &mut logsumexp, rows, plan, part(weights, &self.map.head));
        (backend.download(&logp), logsumexp)
    }
}
