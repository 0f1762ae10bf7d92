//! The only file that touches dfdx's tapes and gradient buffers.

use crate::{Error, Result, model::Live};
use dfdx::prelude::{Backward, Device, Gradients, OwnedTape, PutTape, SumTo, Tape, Tensor, TryMul};

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

#[cfg(test)]
mod tests {
    use super::{backward_from, node};
    use crate::model::Live;
    use dfdx::prelude::{Backward, Cpu, PutTape, SumTo};
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
