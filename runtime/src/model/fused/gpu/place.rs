//! Updates in the GPU's memory.

use super::{GpuEngine, Kept};
use crate::{
    Result,
    model::TrainsInPlace,
    train::{AdamW, Update},
};
use collimate_kernels::{
    adamw as numbers,
    cuda::{Element, adamw, magnitude},
};
use std::sync::PoisonError;

impl<D> TrainsInPlace for GpuEngine<D> {
    fn gradient_length(&self) -> Result<f64> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(gradient) = kept.gradient.as_ref().filter(|gradient| !gradient.is_empty()) else { return Ok(0.0) };
        let squares = self.decoder.backend.alone(|| magnitude::squares(&self.stream, gradient.view()));
        let sum = self.stream.download_wide(squares.view().part(0..1))[0];
        self.check()?;
        Ok(sum.sqrt())
    }

    fn update(&self, optimizer: &mut AdamW, update: Update) -> Result<()> {
        let host = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.kept(&host);
        let Kept { weights, master, gradient: Some(gradient), means, ahead, .. } = &mut *kept else { return Ok(()) };
        let upload = |numbers: &[f32]| self.stream.upload(Element::F32, numbers);
        let [first, second] = means.get_or_insert_with(|| match optimizer.updates {
            0 => [0, 1].map(|_| self.stream.zeros(Element::F32, host.trained().len())),
            _ => [upload(&optimizer.first), upload(&optimizer.second)],
        });
        optimizer.updates += 1;
        let start = host.trained().start;
        self.decoder.backend.alone(|| {
            // Some tensors decay and others do not.
            let mut known: Vec<(numbers::AdamW, adamw::Factors)> = Vec::new();
            for spec in host.trained_tensors() {
                let numbers = optimizer.numbers(spec, update);
                if !known.iter().any(|(of, _)| *of == numbers) {
                    known.push((numbers, adamw::Factors::new(&self.stream, numbers)));
                }
                let (_, factors) = known.iter().find(|(of, _)| *of == numbers).expect("they are there by now");
                let range = spec.after(start);
                let of_weights = weights.view_mut().part(spec.range.clone());
                // Without a copy of their own, the weights are what is updated.
                let (master, copy) = match &mut *master {
                    Some(master) => (master.view_mut().part(range.clone()), Some(of_weights)),
                    None => (of_weights, None),
                };
                let parts = adamw::Parts {
                    master,
                    copy,
                    gradient: gradient.view_mut().part(range.clone()),
                    first: first.view_mut().part(range.clone()),
                    second: second.view_mut().part(range),
                };
                adamw::update(&self.stream, parts, factors);
            }
        });
        *ahead = true;
        drop(kept);
        self.check()
    }

    fn settle(&self, optimizer: &mut AdamW) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.ahead {
            return Ok(());
        }
        let trained = {
            let host = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            host.trained()
        };
        let data = self.stream.download(match &kept.master {
            Some(master) => master.view(),
            None => kept.weights.view().part(trained.clone()),
        });
        if let Some([first, second]) = &kept.means {
            optimizer.first = self.stream.download(first.view());
            optimizer.second = self.stream.download(second.view());
        }
        self.check()?;
        kept.ahead = false;
        drop(kept);
        self.parameters.change(|weights| weights.data[trained].copy_from_slice(&data));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // They are those that came from here.
        kept.version = Some(self.parameters.version());
        Ok(())
    }
}
