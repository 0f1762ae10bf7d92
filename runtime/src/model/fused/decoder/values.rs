//! The head of a critic or reward model: a few numbers for each state asked for, a product with a small matrix.

use super::super::{
    backend::{Backend, Write},
    map::Projection,
    plan::Plan,
};
use super::{Decoder, Trunk, part};

impl<B: Backend> Decoder<B> {
    /// The values of all labels at each state asked for; nothing is kept.
    pub(in super::super) fn score_values(&self, weights: &B::Weights, plan: &Plan) -> Vec<f32> {
        let values = self.backend.forwards(plan, || {
            let [_, _, normed] = self.scored_rows(weights, plan, &self.stream(weights, plan));
            self.values(weights, plan, &normed)
        });
        self.backend.download(&values)
    }

    /// The values of all labels at each state asked for, and what [`Decoder::backward_values`] needs.
    pub(in super::super) fn forward_values(
        &self,
        weights: &B::Weights,
        plan: &Plan,
        recompute: bool,
    ) -> (Vec<f32>, Trunk<B::Buffer>) {
        let (values, trunk) = self.backend.forwards(plan, || {
            let (trunk, normed) = self.trunk(weights, plan, recompute);
            (self.values(weights, plan, &normed), trunk)
        });
        (self.backend.download(&values), trunk)
    }

    /// Adds to the gradient of all weights, from the gradient of the values.
    pub(in super::super) fn backward_values(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trunk: Trunk<B::Buffer>,
        upstream: &[f32],
    ) {
        let (backend, head) = (&self.backend, self.labels());
        backend.backwards(|| {
            let d_values = backend.upload(upstream);
            let mut normed = backend.buffer(plan.rows.len() * head.inner);
            backend.norm_again(&mut normed, &trunk.hidden, &trunk.inverse, part(weights, &self.map.norm));
            let mut d_normed = backend.buffer(plan.rows.len() * head.inner);
            backend.linear_input(&mut d_normed, &d_values, weights, head);
            let of_head = self.map.values_gradient().expect("a head that gives values");
            backend.linear_weight(gradient, &d_values, &normed, &of_head);
            drop((d_values, normed));
            self.trunk_backward(weights, gradient, plan, trunk, d_normed);
        });
    }

    fn values(&self, weights: &B::Weights, plan: &Plan, normed: &B::Slice) -> B::Buffer {
        let (backend, head) = (&self.backend, self.labels());
        let mut values = backend.exact(plan.rows.len() * head.out);
        backend.linear(&mut values, Write::Set, normed, weights, head);
        values
    }

    /// The head as a projection from a hidden state to the values of all labels.
    fn labels(&self) -> &Projection {
        self.map.values.as_ref().expect("the engine asks for values where the model has a head that gives them")
    }
}
