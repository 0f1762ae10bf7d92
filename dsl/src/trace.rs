//! Running a formula on names instead of numbers, so that it leaves a program behind.

use crate::automatic;
use crate::grad::{Gradient, Tape};
use crate::ir::{Id, Metric, Node, Op, Place, Program, STATE, State, Ty};
use crate::kind::{Loss, sealed::Tagged};
use crate::level::{Quantity, Scalar};
use crate::rules::infer;
use crate::shape::Shape;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of one step, and of the trace it belongs to.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Handle {
    step: Id,
    trace: u64,
}

struct Builder {
    program: Program,
    trace: u64,
    /// Inputs that a data view offers, read or not.
    offered: Vec<Id>,
}

thread_local! {
    static CURRENT: RefCell<Option<Builder>> = const { RefCell::new(None) };
}

/// Clears the builder when the formula is done, also when it panicked.
struct Session;
impl Session {
    #[track_caller]
    fn start(name: &str) -> Session {
        static TRACES: AtomicU64 = AtomicU64::new(0);
        if let Some(outer) = CURRENT.with_borrow(|current| current.as_ref().map(|b| b.program.name.clone())) {
            panic!("`{name}` cannot be traced while `{outer}` is being traced: call its function instead");
        }
        let program = Program { name: name.to_owned(), ..Program::default() };
        let trace = TRACES.fetch_add(1, Ordering::Relaxed);
        CURRENT.set(Some(Builder { program, trace, offered: Vec::new() }));
        Session
    }
}
impl Drop for Session {
    fn drop(&mut self) {
        CURRENT.take();
    }
}

/// Runs a formula and returns the program it stands for.
///
/// The program ends at the returned loss, followed by the metrics every program has: the implicit rewards
/// of a pair, and the log-probability the actor gives each response.
///
/// # Panics
///
/// If it is called while another formula is being traced on the same thread.
#[track_caller]
pub fn trace<G: Gradient>(name: &str, formula: impl FnOnce() -> Scalar<Loss, G>) -> Program {
    let session = Session::start(name);
    let root = formula().handle();
    let (mut program, offered) = build(|builder| {
        builder.program.root = Some(builder.step(root)?);
        Ok((std::mem::take(&mut builder.program), std::mem::take(&mut builder.offered)))
    });
    drop(session);
    automatic::drop_unread(&mut program, &offered);
    automatic::add_metrics(&mut program);
    program
}

/// A handle from another trace.
struct Foreign;

impl Builder {
    fn step(&self, handle: Handle) -> Result<Id, Foreign> {
        if handle.trace == self.trace { Ok(handle.step) } else { Err(Foreign) }
    }
    fn push(&mut self, op: Op, args: &[Handle], ty: Ty, place: &Location<'static>) -> Result<Handle, Foreign> {
        let args = args.iter().map(|a| self.step(*a)).collect::<Result<Vec<Id>, Foreign>>()?;
        let nodes = &mut self.program.nodes;
        let shared = matches!(op, Op::Input { .. } | Op::Parameter(_))
            .then(|| nodes.iter().position(|n| n.op == op && n.ty == ty))
            .flatten();
        let step = shared.unwrap_or_else(|| {
            let place = Place { file: place.file().to_owned(), line: place.line(), column: place.column() };
            nodes.push(Node { op, args, ty, place });
            nodes.len() - 1
        });
        Ok(Handle { step: Id::new(step), trace: self.trace })
    }
}

/// Works on the program being traced. Panics name the place in the formula, so they are raised here and not inside.
#[track_caller]
fn build<T>(f: impl FnOnce(&mut Builder) -> Result<T, Foreign>) -> T {
    let Some(mut builder) = CURRENT.take() else {
        panic!(
            "a quantity was used outside `trace`: quantities are names for the steps of a formula and exist only while it is traced"
        );
    };
    let result = f(&mut builder);
    CURRENT.set(Some(builder));
    match result {
        Ok(result) => result,
        Err(Foreign) => panic!("this quantity belongs to another formula: its trace has ended"),
    }
}

/// The type of a handle, as a value.
pub(crate) fn ty<Q: Quantity>() -> Ty {
    Ty {
        kind: <Q::Kind as Tagged>::TAG,
        depth: <Q::Shape as Shape>::DEPTH,
        side: <Q::Shape as Shape>::SIDE,
        live: <Q::Grad as Tape>::LIVE,
    }
}

/// One more step, of the type rustc has worked out.
#[track_caller]
pub(crate) fn step<Q: Quantity>(op: Op, args: &[Handle]) -> Q {
    let place = Location::caller();
    Q::of(build(|builder| builder.push(op, args, ty::<Q>(), place)))
}

/// One more step, of the type the table gives it: inside functions made of others, where rustc does not follow.
#[track_caller]
pub(crate) fn draft(op: Op, args: &[Handle]) -> Handle {
    let place = Location::caller();
    build(|builder| {
        let ids = args.iter().map(|a| builder.step(*a)).collect::<Result<Vec<Id>, Foreign>>()?;
        let tys: Vec<Ty> = ids.into_iter().map(|id| builder.program.node(id).ty).collect();
        let ty = infer(&op, &tys).unwrap_or_else(|| panic!("the table has no row for {op:?} of {tys:?}"));
        builder.push(op, args, ty, place)
    })
}

/// The type of a step of the program being traced.
#[track_caller]
pub(crate) fn type_of(handle: Handle) -> Ty {
    build(|builder| Ok(builder.program.node(builder.step(handle)?).ty))
}

/// One more step, of a type that is known as a value only.
#[track_caller]
pub(crate) fn step_of(op: Op, args: &[Handle], ty: Ty) -> Handle {
    let place = Location::caller();
    build(|builder| builder.push(op, args, ty, place))
}

/// An input of a type that is known as a value only.
#[track_caller]
pub(crate) fn input_of(owner: &str, field: &str, ty: Ty) -> Handle {
    step_of(Op::Input { owner: owner.to_owned(), field: field.to_owned() }, &[], ty)
}

/// What a policy gives.
#[track_caller]
pub(crate) fn input<Q: Quantity>(owner: &str, field: &str) -> Q {
    step(Op::Input { owner: owner.to_owned(), field: field.to_owned() }, &[])
}

/// What a data view gives, if the formula reads it.
#[track_caller]
pub(crate) fn offer<Q: Quantity>(view: &str, field: &str) -> Q {
    let quantity: Q = input(view, field);
    build(|builder| {
        let id = builder.step(quantity.handle())?;
        builder.offered.push(id);
        Ok(())
    });
    quantity
}

/// Reports the mean of a step beside the loss. Whether the name is free is a question for the verifier (V05).
#[track_caller]
pub(crate) fn metric(name: &str, handle: Handle) {
    build(|builder| {
        let node = builder.step(handle)?;
        builder.program.metrics.push(Metric { name: name.to_owned(), node });
        Ok(())
    });
}

/// A number carried from step to step, as the loss reads it. Whether the name is free is a question for the verifier.
#[track_caller]
pub(crate) fn declare<Q: Quantity>(name: &str, initial: Handle) -> Q {
    let current: Q = input(STATE, name);
    build(|builder| {
        let initial = builder.step(initial)?;
        builder.program.states.push(State { name: name.to_owned(), initial, next: Vec::new() });
        Ok(())
    });
    current
}

/// What a declared number is after this step.
#[track_caller]
pub(crate) fn update(current: Handle, next: Handle) {
    let declared = build(|builder| {
        let (current, next) = (builder.step(current)?, builder.step(next)?);
        let program = &mut builder.program;
        let name = match &program.nodes[current.index()].op {
            Op::Input { owner, field } if owner == STATE => field.clone(),
            _ => return Ok(false),
        };
        program.states.iter_mut().filter(|state| state.name == name).for_each(|state| state.next.push(next));
        Ok(true)
    });
    assert!(declared, "only what `state` gives can be updated: keep its result, `let mean = state(...)`");
}
