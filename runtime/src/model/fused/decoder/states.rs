//! The hidden states that the scored tokens are predicted from, for who makes something of all words himself.

use super::super::{backend::Backend, plan::Plan};
use super::{Decoder, Trunk, part};

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(in super::super) struct StateTrace<T> {
    trunk: Trunk<T>,
    /// Of each row, if the log-probabilities were asked for.
    logsumexp: Option<T>,
}

/// The log-probabilities of the scored tokens, if asked for, and the states.
pub(in super::super) struct States<T> {
    pub(in super::super) logp: Option<Vec<f32>>,
    /// One for each scored token, after the last norm.
    pub(in super::super) rows: T,
}

impl<B: Backend> Decoder<B> {
    /// The state of each scored token; nothing is kept.
    pub(in super::super) fn score_states(&self, weights: &B::Weights, plan: &Plan, logp: bool) -> States<B::Buffer> {
        let (rows, logp) = self.backend.forwards(plan, || {
            let [_, _, rows] = self.scored_rows(weights, plan, &self.stream(weights, plan));
            let [logp, _] =
                if logp { self.taken(weights, &plan.scored(), &rows, None).map(Some) } else { [None, None] };
            (rows, logp)
        });
        States { logp: logp.map(|logp| self.backend.download(&logp)), rows }
    }

    /// The state of each scored token, and what [`Decoder::backward_states`] needs.
    pub(in super::super) fn forward_states(
        &self,
        weights: &B::Weights,
        plan: &Plan,
        recompute: bool,
        logp: bool,
    ) -> (States<B::Buffer>, StateTrace<B::Buffer>) {
        let (rows, logp, trace) = self.backend.forwards(plan, || {
            let (trunk, rows) = self.trunk(weights, plan, recompute);
            let [logp, logsumexp] =
                if logp { self.taken(weights, &plan.scored(), &rows, None).map(Some) } else { [None, None] };
            (rows, logp, StateTrace { trunk, logsumexp })
        });
        (States { logp: logp.map(|logp| self.backend.download(&logp)), rows }, trace)
    }

    /// Adds to the gradient of all weights, from the gradient of the states, and that of the log-probabilities where there is one.
    #[expect(clippy::too_many_arguments, reason = "a backward pass, and what was gathered beside it")]
    pub(in super::super) fn backward_states(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: StateTrace<B::Buffer>,
        rows: &B::Slice,
        d_rows: impl FnOnce() -> B::Buffer,
        d_logp: Option<&[f32]>,
    ) {
        let backend = &self.backend;
        backend.backwards(|| {
            let mut d_rows = d_rows();
            if let (Some(d_logp), Some(logsumexp)) = (d_logp, &trace.logsumexp) {
                let mut more = backend.buffer(plan.rows.len() * backend.shape().hidden);
                let (d_logp, head) = (backend.upload_exact(d_logp), part(weights, &self.map.head));
                let trained = self.map.whole.then_some(&mut *gradient);
                backend.head_backward(&mut more, trained, &d_logp, logsumexp, None, rows, &plan.scored(), head);
                let each: Vec<u32> = (0..plan.rows.len() as u32).collect();
                backend.pick_backward(&mut d_rows, &more, &each);
            }
            self.trunk_backward(weights, gradient, plan, trace.trunk, d_rows);
        });
    }
}
