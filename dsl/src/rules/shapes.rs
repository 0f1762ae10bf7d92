//! Which shapes line up, and what comes out.

use super::Pairing;
use crate::ir::{Depth, SideTag};
use crate::relation::{Aligned, Atop, Below, Beside, Opposed, OuterLeft, OuterRight};
use crate::shape::{Plain, Prompts, Responses, Shape, Tokens, Whole, Words};
use crate::side::{Chosen, Nobody, Rejected, Side};

/// One rule for two shapes.
pub(crate) struct ShapeRow {
    left: Outline,
    right: Outline,
    out: Outline,
    /// How they stand to each other under `*`, `/`, `min` and `max`.
    product: Pairing,
    /// Under `+`.
    sum: Pairing,
    /// Under `-`; `None` where the order is wrong.
    difference: Option<Pairing>,
}

/// A shape as a row writes it.
struct Outline {
    depth: Depth,
    whose: Whose,
}
enum Whose {
    NoSide,
    /// Any side, the same all along the row.
    Any,
    This(SideTag),
}

/// Which operation asks.
#[derive(Clone, Copy)]
pub(crate) enum Asking {
    Sum,
    Difference,
    Product,
}

/// Depth and side of a value.
pub(crate) type Extent = (Depth, Option<SideTag>);

/// The shape of a result, and how the operands stand to each other.
pub(crate) fn line_up(left: Extent, right: Extent, asking: Asking) -> Option<(Extent, Pairing)> {
    SHAPES.iter().find_map(|row| {
        let mut any = None;
        if !(row.left.holds(left, &mut any) && row.right.holds(right, &mut any)) {
            return None;
        }
        let side = match row.out.whose {
            Whose::NoSide => None,
            Whose::Any => any,
            Whose::This(side) => Some(side),
        };
        let pairing = match asking {
            Asking::Sum => row.sum,
            Asking::Difference => row.difference?,
            Asking::Product => row.product,
        };
        Some(((row.out.depth, side), pairing))
    })
}

impl Outline {
    fn holds(&self, (depth, side): Extent, any: &mut Option<SideTag>) -> bool {
        depth == self.depth
            && match self.whose {
                Whose::NoSide => side.is_none(),
                Whose::This(this) => side == Some(this),
                Whose::Any => side.is_some_and(|side| *any.get_or_insert(side) == side),
            }
    }
}

macro_rules! shapes {
    ($( [$($y:ident)?] $l:ident $(<$ly:ident>)?, $r:ident $(<$ry:ident>)? => $out:ident $(<$oy:ident>)?: $product:ident $sum:ident $difference:ident; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<$($y: Side)?> Beside<$l$(<$ly>)?> for $r$(<$ry>)? {
                type Shape = $out$(<$oy>)?;
                type Pairing = $product;
            }
            #[diagnostic::do_not_recommend]
            impl<$($y: Side)?> Atop<$l$(<$ly>)?> for $r$(<$ry>)? {
                type Shape = $out$(<$oy>)?;
                type Pairing = $sum;
            }
            below! { $difference [$($y)?] ($l$(<$ly>)?) ($r$(<$ry>)?) ($out$(<$oy>)?) }
        )*
        const SHAPES: &[ShapeRow] = &[$( ShapeRow {
            left: outline!($l $(<$ly>)?),
            right: outline!($r $(<$ry>)?),
            out: outline!($out $(<$oy>)?),
            product: Pairing::$product,
            sum: Pairing::$sum,
            difference: difference!($difference),
        } ),*];
    };
}
macro_rules! below {
    // The wrong way round is a row of its own, with a message: see `advice`.
    (Never $($rest:tt)*) => {};
    ($difference:ident [$($y:ident)?] ($l:ty) ($r:ty) ($out:ty)) => {
        #[diagnostic::do_not_recommend]
        impl<$($y: Side)?> Below<$l> for $r {
            type Shape = $out;
            type Pairing = $difference;
        }
    };
}
macro_rules! difference {
    (Never) => {
        None
    };
    ($difference:ident) => {
        Some(Pairing::$difference)
    };
}
macro_rules! outline {
    ($shape:ident) => {
        Outline { depth: <$shape as Shape>::DEPTH, whose: Whose::NoSide }
    };
    ($shape:ident <Y>) => {
        Outline { depth: <$shape<Nobody> as Shape>::DEPTH, whose: Whose::Any }
    };
    ($shape:ident <$side:ident>) => {
        Outline { depth: <$shape<Nobody> as Shape>::DEPTH, whose: Whose::This(SideTag::$side) }
    };
}
#[rustfmt::skip]
shapes! {
    // left,       right         => result:       product sum        difference
    [Y] Words<Y>, Words<Y>     => Words<Y>: Aligned Aligned    Aligned;
    [Y] Words<Y>, Tokens<Y>    => Words<Y>: Aligned OuterRight OuterRight;
    [Y] Tokens<Y>, Words<Y>    => Words<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Words<Y>, Responses<Y> => Words<Y>: Aligned OuterRight OuterRight;
    [Y] Responses<Y>, Words<Y> => Words<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Words<Y>, Prompts      => Words<Y>: Aligned OuterRight OuterRight;
    [Y] Prompts, Words<Y>      => Words<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Words<Y>, Whole        => Words<Y>: Aligned OuterRight OuterRight;
    [Y] Whole, Words<Y>        => Words<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Words<Y>, Plain        => Words<Y>: Aligned Aligned    Aligned;
    [Y] Plain, Words<Y>        => Words<Y>: Aligned Aligned    Aligned;

    [Y] Tokens<Y>, Tokens<Y>     => Tokens<Y>:    Aligned Aligned    Aligned;
    [Y] Tokens<Y>, Responses<Y>  => Tokens<Y>:    Aligned OuterRight OuterRight;
    [Y] Responses<Y>, Tokens<Y>  => Tokens<Y>:    Aligned OuterLeft  OuterLeft;
    [Y] Tokens<Y>, Prompts       => Tokens<Y>:    Aligned OuterRight OuterRight;
    [Y] Prompts, Tokens<Y>       => Tokens<Y>:    Aligned OuterLeft  OuterLeft;
    [Y] Tokens<Y>, Whole         => Tokens<Y>:    Aligned OuterRight OuterRight;
    [Y] Whole, Tokens<Y>         => Tokens<Y>:    Aligned OuterLeft  OuterLeft;
    [Y] Tokens<Y>, Plain         => Tokens<Y>:    Aligned Aligned    Aligned;
    [Y] Plain, Tokens<Y>         => Tokens<Y>:    Aligned Aligned    Aligned;

    [Y] Responses<Y>, Responses<Y> => Responses<Y>: Aligned Aligned    Aligned;
    [Y] Responses<Y>, Prompts      => Responses<Y>: Aligned OuterRight OuterRight;
    [Y] Prompts, Responses<Y>      => Responses<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Responses<Y>, Whole        => Responses<Y>: Aligned OuterRight OuterRight;
    [Y] Whole, Responses<Y>        => Responses<Y>: Aligned OuterLeft  OuterLeft;
    [Y] Responses<Y>, Plain        => Responses<Y>: Aligned Aligned    Aligned;
    [Y] Plain, Responses<Y>        => Responses<Y>: Aligned Aligned    Aligned;
    [] Responses<Chosen>, Responses<Rejected> => Prompts: Opposed Opposed Opposed;
    [] Responses<Rejected>, Responses<Chosen> => Prompts: Opposed Opposed Never;

    [] Prompts, Prompts => Prompts: Aligned Aligned    Aligned;
    [] Prompts, Whole   => Prompts: Aligned OuterRight OuterRight;
    [] Whole, Prompts   => Prompts: Aligned OuterLeft  OuterLeft;
    [] Prompts, Plain   => Prompts: Aligned Aligned    Aligned;
    [] Plain, Prompts   => Prompts: Aligned Aligned    Aligned;

    [] Whole, Whole => Whole: Aligned Aligned Aligned;
    [] Whole, Plain => Whole: Aligned Aligned Aligned;
    [] Plain, Whole => Whole: Aligned Aligned Aligned;
    [] Plain, Plain => Plain: Aligned Aligned Aligned;
}
