//! The engine that the settings name.

use super::settings::EngineKind;
use crate::Result;
use crate::model::{Engine, FusedEngine, GraphEngine, Parameters};
use dfdx::prelude::Cpu;
use std::sync::Arc;

/// An engine on the CPU.
///
/// # Errors
/// If the engine cannot run this model.
pub fn cpu_engine(kind: EngineKind, parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    Ok(match kind {
        EngineKind::Fused => Box::new(FusedEngine::new(parameters)),
        EngineKind::Graph => Box::new(GraphEngine::new(parameters, Cpu::default())),
    })
}
