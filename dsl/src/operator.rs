//! `+`, `-`, `*`, `/` and the minus sign on handles, hyper-parameters and literals.
//!
//! One blanket impl for each handle and operator. Every bound depends on the right side: while rustc looks the
//! operator up the right side is still unknown, so the impl is chosen and the failure is reported with our text.
//! A bound that the left side alone can refute would turn the error into "cannot multiply".

use crate::grad::{Gradient, NoGrad, Tape};
use crate::ir::Op;
use crate::kind::{Kind, Number};
use crate::level::{PerPrompt, PerResponse, PerToken, PerVocab, Quantity, Scalar};
use crate::number::Param;
use crate::relation::*;
use crate::shape::{Plain, Prompts, Responses, Shape, Tokens, Whole, Words};
use crate::side::Side;
use crate::trace::step;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// How the right side of shape `$right` stands to the left one.
macro_rules! pairing {
    ($Fit:ident, $left:ty, $right:ty) => {
        <<$right as Quantity>::Shape as $Fit<$left>>::Pairing
    };
}
/// The operator's result.
macro_rules! out {
    ($Relation:ident, $Fit:ident, $left:ty, $k:ty, $g:ty, $right:ty) => {
        <<<$right as Quantity>::Shape as $Fit<$left>>::Shape as Shape>::Of<
            <pairing!($Fit, $left, $right) as $Relation<$k, <$right as Quantity>::Kind>>::Out,
            <$g as Tape>::Join<<$right as Quantity>::Grad>,
        >
    };
}
macro_rules! operator {
    ($Std:ident $method:ident $op:ident $Relation:ident $Fit:ident, [$($y:ident)?] $handle:ident, $shape:ty) => {
        #[doc(hidden)]
        impl<K: Kind, $($y: Side,)? G: Gradient, R: Quantity> $Std<R> for $handle<K, $($y,)? G>
        where
            R::Shape: $Fit<$shape>,
            pairing!($Fit, $shape, R): Legal<K, R::Kind> + $Relation<K, R::Kind>,
            <pairing!($Fit, $shape, R) as $Relation<K, R::Kind>>::Need: Permits<G, R::Grad>,
        {
            type Output = out!($Relation, $Fit, $shape, K, G, R);
            #[track_caller]
            fn $method(self, right: R) -> Self::Output {
                step(Op::$op, &[self.handle(), right.handle()])
            }
        }
        operator!(@literal f64 $Std $method $op $Relation, [$($y)?] $handle);
        operator!(@literal i32 $Std $method $op $Relation, [$($y)?] $handle);
    };
    // A literal on the left: coherence forbids one generic impl for a foreign type, so there is one for each handle.
    (@literal $number:ident $Std:ident $method:ident $op:ident $Relation:ident, [$($y:ident)?] $handle:ident) => {
        #[doc(hidden)]
        impl<K: Kind, $($y: Side,)? G: Gradient> $Std<$handle<K, $($y,)? G>> for $number
        where
            Aligned: $Relation<Number, K>,
        {
            type Output = $handle<<Aligned as $Relation<Number, K>>::Out, $($y,)? G>;
            #[track_caller]
            fn $method(self, right: $handle<K, $($y,)? G>) -> Self::Output {
                step(Op::$op, &[self.handle(), right.handle()])
            }
        }
    };
}
macro_rules! operators {
    ($( [$($y:ident)?] $handle:ident, $shape:ty; )*) => { $(
        operator!(Add add Plus Adds Atop, [$($y)?] $handle, $shape);
        operator!(Sub sub Minus Subtracts Below, [$($y)?] $handle, $shape);
        operator!(Mul mul Times Multiplies Beside, [$($y)?] $handle, $shape);
        operator!(Div div Over Divides Beside, [$($y)?] $handle, $shape);
        // A bound on the only operand can be refuted at once. So every kind has a negative, and a wrong minus
        // shows where the kind is declared.
        #[doc(hidden)]
        impl<K: HasNegative, $($y: Side,)? G: Gradient> Neg for $handle<K, $($y,)? G> {
            type Output = $handle<K::Out, $($y,)? G>;
            #[track_caller]
            fn neg(self) -> Self::Output {
                step(Op::Negative, &[self.handle()])
            }
        }
    )* };
}
operators! {
    [Y] PerVocab, Words<Y>;
    [Y] PerToken, Tokens<Y>;
    [Y] PerResponse, Responses<Y>;
    [] PerPrompt, Prompts;
    [] Scalar, Whole;
}

macro_rules! number_operators {
    ($( $Std:ident $method:ident $op:ident $Relation:ident $Fit:ident; )*) => { $(
        #[doc(hidden)]
        impl<R: Quantity> $Std<R> for Param
        where
            R::Shape: $Fit<Plain>,
            pairing!($Fit, Plain, R): Legal<Number, R::Kind> + $Relation<Number, R::Kind>,
            <pairing!($Fit, Plain, R) as $Relation<Number, R::Kind>>::Need: Permits<NoGrad, R::Grad>,
        {
            type Output = out!($Relation, $Fit, Plain, Number, NoGrad, R);
            #[track_caller]
            fn $method(self, right: R) -> Self::Output {
                step(Op::$op, &[self.handle(), right.handle()])
            }
        }
        number_operators!(@literal f64 $Std $method $op);
        number_operators!(@literal i32 $Std $method $op);
    )* };
    (@literal $number:ident $Std:ident $method:ident $op:ident) => {
        #[doc(hidden)]
        impl $Std<Param> for $number {
            type Output = Param;
            #[track_caller]
            fn $method(self, right: Param) -> Param {
                step(Op::$op, &[self.handle(), right.handle()])
            }
        }
    };
}
number_operators! {
    Add add Plus Adds Atop;
    Sub sub Minus Subtracts Below;
    Mul mul Times Multiplies Beside;
    Div div Over Divides Beside;
}
#[doc(hidden)]
impl Neg for Param {
    type Output = Param;
    #[track_caller]
    fn neg(self) -> Param {
        step(Op::Negative, &[self.handle()])
    }
}
