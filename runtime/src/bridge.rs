//! The only file that touches dfdx's tapes and gradient buffers.

use crate::{Error, Result, model::Live};
use dfdx::prelude::{
    Backward, Device, Gradients, Merge, OwnedTape, PutTape, Rank0, Shape, SplitTape, SumTo, Tape, Tensor, Trace, TryMul,
};
use std::rc::Rc;

/// What dfdx says when it cannot do something, as one of our errors.
pub(crate) fn refused(error: impl std::fmt::Display) -> Error {
    Error::Numeric(format!("dfdx cannot compute on this device: {error}"))
}

/// Puts values that something other than dfdx computed on a fresh tape of dfdx.
///
/// When dfdx runs that tape backward, `backward` is called once with the gradient that reached the values, one
/// number for each of them. It is called with zeros if the loss did not use the values, and never if the tape is dropped.
///
/// # Errors
/// If the device cannot hold the values.
pub(crate) fn node<D: Device<f32>>(
    device: &D,
    values: Vec<f32>,
    backward: impl FnOnce(Vec<f32>) + 'static,
) -> Result<Live<D>> {
    let length = values.len();
    let logp: Tensor<(usize,), f32, D> = device
        .try_tensor_from_vec(values, (length,))
        .map_err(|error| Error::Numeric(format!("dfdx cannot hold {length} log-probabilities: {error}")))?;
    let mut tape = OwnedTape::default();
    let place = logp.ghost();
    tape.add_backward_op(move |gradients| {
        gradients.try_alloc_for(&place)?;
        // `get` clones the buffer into a tensor: the only reading access that dfdx makes public.
        backward(gradients.get(&place).as_vec());
        Ok(())
    });
    Ok(Live { logp, tape })
}

/// Runs the tape backward from a gradient that is already known: as if the loss were the sum of every
/// log-probability times its number in `upstream`.
///
/// # Errors
/// If the device cannot hold the numbers, or dfdx's backward pass fails.
pub(crate) fn backward_from<D: Device<f32>>(
    device: &D,
    live: Live<D>,
    upstream: Vec<f32>,
) -> Result<Gradients<f32, D>> {
    let failed = |error: &dyn std::fmt::Display| Error::Numeric(format!("dfdx's backward pass failed: {error}"));
    let length = upstream.len();
    let upstream: Tensor<(usize,), f32, D> =
        device.try_tensor_from_vec(upstream, (length,)).map_err(|error| failed(&error))?;
    let weighted = live.logp.put_tape(live.tape).try_mul(upstream).map_err(|error| failed(&error))?;
    weighted.try_sum().and_then(|sum| sum.try_backward()).map_err(|error| failed(&error))
}

/// Several tapes as one, which goes backward through all of them: dfdx orders their operations by when they were done.
pub(crate) fn merged<D: Device<f32>>(tapes: Vec<OwnedTape<f32, D>>) -> OwnedTape<f32, D> {
    tapes.into_iter().fold(OwnedTape::default(), Merge::merge)
}

/// A value, and whether the loss's gradient flows through it.
pub(crate) struct Traced<S: Shape, D: Device<f32>> {
    pub(crate) value: Tensor<S, f32, D>,
    pub(crate) live: bool,
    /// One for each tensor: dfdx finds gradients by a tensor's id, but does not show it.
    identity: Rc<()>,
}

impl<S: Shape, D: Device<f32>> Clone for Traced<S, D> {
    fn clone(&self) -> Self {
        Traced { value: self.value.clone(), live: self.live, identity: Rc::clone(&self.identity) }
    }
}

impl<S: Shape, D: Device<f32>> Traced<S, D> {
    /// A value that the gradient flows through, or not.
    pub(crate) fn new(value: Tensor<S, f32, D>, live: bool) -> Self {
        Traced { value, live, identity: Rc::new(()) }
    }

    /// A value that no gradient flows through.
    pub(crate) fn fixed(value: Tensor<S, f32, D>) -> Self {
        Traced::new(value, false)
    }

    /// The same numbers as another tensor, cut off from the gradient: as the same tensor they would still share it.
    pub(crate) fn cut(&self) -> Result<Self> {
        Ok(Traced::fixed(self.value.clone().try_mul(1.0).map_err(refused)?))
    }
}

/// A tensor that records what is done with it.
pub(crate) type Taped<S, D> = Tensor<S, f32, D, OwnedTape<f32, D>>;

/// The one tape of a computation. In dfdx a tape travels inside a tensor, and a tensor that is used twice needs care;
/// here values carry none, and the tape is lent to one operation after the other.
pub(crate) struct Track<D: Device<f32>> {
    tape: OwnedTape<f32, D>,
}

impl<D: Device<f32>> Track<D> {
    /// Goes on from a tape that already leads to some values.
    pub(crate) fn new(tape: OwnedTape<f32, D>) -> Self {
        Track { tape }
    }

    /// An operation on one value; recorded if the value is live.
    pub(crate) fn one<S: Shape, R: Shape>(
        &mut self,
        x: &Traced<S, D>,
        operation: impl FnOnce(Taped<S, D>) -> Result<Taped<R, D>, D::Err>,
    ) -> Result<Traced<R, D>> {
        let tape = if x.live { std::mem::take(&mut self.tape) } else { OwnedTape::default() };
        let (value, tape) = operation(x.value.clone().put_tape(tape)).map_err(refused)?.split_tape();
        if x.live {
            self.tape = tape;
        }
        Ok(Traced::new(value, x.live))
    }

    /// An operation on two values; recorded if either is live.
    pub(crate) fn two<S: Shape, U: Shape, R: Shape>(
        &mut self,
        x: &Traced<S, D>,
        y: &Traced<U, D>,
        operation: impl FnOnce(Taped<S, D>, Tensor<U, f32, D>) -> Result<Taped<R, D>, D::Err>,
    ) -> Result<Traced<R, D>> {
        // dfdx cannot hand a gradient to one tensor twice in one operation.
        let same = Rc::ptr_eq(&x.identity, &y.identity);
        let y = if same { &self.one(y, |y| y.try_mul(1.0))? } else { y };
        let either = Traced { live: x.live || y.live, ..x.clone() };
        self.one(&either, |x| operation(x, y.value.clone()))
    }

    /// Differentiates the sum of a value. Every operation recorded is passed on the way, those that the value does
    /// not depend on with a gradient of zero.
    pub(crate) fn backward(self, loss: &Traced<(usize,), D>) -> Result<Gradients<f32, D>> {
        let loss = loss.value.clone().put_tape(self.tape);
        loss.try_sum::<Rank0, _>().and_then(Backward::try_backward).map_err(refused)
    }

    /// Makes sure that the backward pass leaves a gradient for this tensor, be it zeros.
    pub(crate) fn expect_gradient<S: Shape>(&mut self, tensor: &Tensor<S, f32, D>) {
        let place = tensor.ghost();
        self.tape.add_backward_op(move |gradients| gradients.try_alloc_for(&place));
    }

    /// Values that something other than dfdx made of some others. If they are `live`, `backward` is called once with the gradient
    /// that reached them when dfdx runs the tape backward, and gives the gradient by each of those that they were made `from`.
    pub(crate) fn outside(
        &mut self,
        device: &D,
        values: Vec<f32>,
        live: bool,
        from: Vec<Traced<(usize,), D>>,
        backward: impl FnOnce(Vec<f32>) -> Vec<Vec<f32>> + 'static,
    ) -> Result<Traced<(usize,), D>> {
        let length = values.len();
        let value = device.try_tensor_from_vec(values, (length,)).map_err(refused)?;
        if live {
            let (place, device) = (value.ghost(), device.clone());
            self.tape.add_backward_op(move |gradients| {
                gradients.try_alloc_for(&place)?;
                let by_each = backward(gradients.get(&place).as_vec());
                from.iter().zip(by_each).try_for_each(|(x, by)| add_gradient(&device, gradients, &x.value, by))
            });
        }
        Ok(Traced::new(value, live))
    }

    /// Hands the tape on.
    pub(crate) fn finish(self) -> OwnedTape<f32, D> {
        self.tape
    }
}

/// Adds to the gradient of a tensor. dfdx makes no writing access public that holds on every device, so its own backward pass of
/// a weighted sum does it.
fn add_gradient<D: Device<f32>>(
    device: &D,
    gradients: &mut Gradients<f32, D>,
    x: &Tensor<(usize,), f32, D>,
    by: Vec<f32>,
) -> Result<(), D::Err> {
    let length = by.len();
    let by = device.try_tensor_from_vec(by, (length,))?;
    let before = std::mem::replace(gradients, Gradients::leaky());
    *gradients = x.trace(before).try_mul(by)?.try_sum::<Rank0, _>()?.try_backward()?;
    Ok(())
}

/// The gradient that reached a tensor which [`Track::expect_gradient`] was told of.
pub(crate) fn gradient_at<S: Shape, D: Device<f32>>(
    gradients: &Gradients<f32, D>,
    tensor: &Tensor<S, f32, D>,
) -> Vec<f32> {
    gradients.get(tensor).as_vec()
}

/// The gradient that reached a tensor: zeros if none did.
pub(crate) fn gradient_of<S: Shape, D: Device<f32>>(
    gradients: &mut Gradients<f32, D>,
    tensor: &Tensor<S, f32, D>,
) -> Result<Vec<f32>> {
    gradients.try_alloc_for(tensor).map_err(refused)?;
    Ok(gradients.get(tensor).as_vec())
}

#[cfg(test)]
mod tests {
    use super::{Traced, Track, backward_from, node};
    use crate::model::Live;
    use dfdx::prelude::{Backward, Cpu, PutTape, SumTo, TryMul};
    use std::{cell::RefCell, rc::Rc};

    fn upstream_of(loss: impl FnOnce(Live<Cpu>)) -> Option<Vec<f32>> {
        let seen = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&seen);
        let live = node(&Cpu::default(), vec![1.0, -2.0, 3.0], move |g| *kept.borrow_mut() = Some(g)).unwrap();
        loss(live);
        seen.take()
    }

    #[test]
    fn the_closure_gets_the_gradient_of_the_loss() {
        let seen = upstream_of(|live| {
            let values = live.logp.put_tape(live.tape);
            drop(values.square().sum().backward());
        });
        assert_eq!(seen, Some(vec![2.0, -4.0, 6.0]));
    }

    #[test]
    fn what_was_made_outside_hands_its_gradient_on() {
        let device = Cpu::default();
        let seen = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&seen);
        let live = node(&device, vec![1.0, 2.0], move |g| *kept.borrow_mut() = Some(g)).unwrap();
        let (x, mut track) = (Traced::new(live.logp, true), Track::new(live.tape));
        // `y = [x0 x1, x0]`, and `x` is used beside it.
        let backward = |g: Vec<f32>| vec![vec![2.0 * g[0] + g[1], g[0]]];
        let y = track.outside(&device, vec![2.0, 1.0], true, vec![x.clone()], backward).unwrap();
        let both = track.two(&x, &y, |x, y| x.try_mul(y)).unwrap();
        let squared = track.one(&both, |both| both.try_mul(3.0)).unwrap();
        track.backward(&squared).unwrap();
        // The loss is 3 (x0 x0 x1 + x1 x0).
        assert_eq!(seen.take(), Some(vec![3.0 * (2.0 * 1.0 * 2.0 + 2.0), 3.0 * (1.0 + 1.0)]));
        let fixed = Track::new(Default::default()).outside(&device, vec![1.0], false, vec![], |_| vec![]).unwrap();
        assert!(!fixed.live);
    }

    #[test]
    fn a_known_gradient_reaches_the_closure_as_it_is() {
        let seen = upstream_of(|live| drop(backward_from(&Cpu::default(), live, vec![0.5, 0.0, -3.0]).unwrap()));
        assert_eq!(seen, Some(vec![0.5, 0.0, -3.0]));
    }

    #[test]
    fn a_dropped_tape_calls_nothing() {
        assert_eq!(upstream_of(drop), None);
    }

    #[test]
    fn the_values_are_the_ones_given() {
        let live = node(&Cpu::default(), vec![1.0, -2.0], drop).unwrap();
        assert_eq!(live.logp.as_vec(), vec![1.0, -2.0]);
    }
}
