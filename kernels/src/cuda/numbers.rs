//! Numbers in a GPU's memory, and parts of them.

use super::{Argument, Stream, arena::Purpose};
use std::{marker::PhantomData, ops::Range};

/// How a number is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Element {
    /// 32 bits.
    F32,
    /// The upper half of an f32.
    Bf16,
    /// 64 bits.
    F64,
    /// A whole number.
    U32,
}

impl Element {
    /// Bytes of one.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Element::Bf16 => 2,
            Element::F32 | Element::U32 => 4,
            Element::F64 => 8,
        }
    }

    /// What the names of kernels on such numbers end with.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::Bf16 => "bf16",
            Element::F64 => "f64",
            Element::U32 => "u32",
        }
    }
}

/// Numbers in a GPU's memory, which go when dropped.
#[derive(Debug)]
pub struct Numbers {
    pub(super) stream: Stream,
    pub(super) address: u64,
    pub(super) length: usize,
    pub(super) element: Element,
    pub(super) home: Home,
}

/// Whose memory it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Home {
    /// The numbers' own.
    Own,
    /// Of the work that repeats.
    Shared {
        purpose: Purpose,
        /// Where its block begins.
        at: usize,
        /// Is it the numbers' own all the same, as there was too little?
        own: bool,
    },
}

impl Numbers {
    /// All of them, to read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { address: self.address, length: self.length, element: self.element, life: PhantomData }
    }

    /// All of them, to write.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut { address: self.address, length: self.length, element: self.element, life: PhantomData }
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        self.stream.clone().free(self);
    }
}

/// Some numbers in a GPU's memory, to read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    address: u64,
    length: usize,
    element: Element,
    life: PhantomData<&'a Numbers>,
}

/// Some numbers in a GPU's memory, to write.
#[derive(Debug)]
pub struct ViewMut<'a> {
    address: u64,
    length: usize,
    element: Element,
    life: PhantomData<&'a mut Numbers>,
}

macro_rules! counted {
    ($($numbers:ty),*) => { $(
        impl $numbers {
            /// How many.
            #[must_use]
            pub fn len(&self) -> usize {
                self.length
            }

            /// Are there none?
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.length == 0
            }

            /// How they are stored.
            #[must_use]
            pub fn element(&self) -> Element {
                self.element
            }
        }
    )* };
}
counted!(Numbers, View<'_>, ViewMut<'_>);

macro_rules! described {
    ($view:ident) => {
        impl $view<'_> {
            pub(super) fn address(&self) -> u64 {
                self.address
            }

            pub(super) fn argument(&self) -> Argument {
                Argument::Address(self.address)
            }

            /// # Panics
            /// If they are others.
            #[track_caller]
            pub(super) fn expect(&self, element: Element, length: usize) {
                assert_eq!((self.element, self.length), (element, length), "numbers that a kernel does not fit");
            }
        }
    };
}
described!(View);
described!(ViewMut);

impl<'a> View<'a> {
    /// A part.
    ///
    /// # Panics
    /// If it is not inside.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> View<'a> {
        assert!(range.start <= range.end && range.end <= self.length, "a part outside its numbers");
        let address = self.address + (range.start * self.element.size()) as u64;
        View { address, length: range.len(), ..self }
    }
}

impl<'a> ViewMut<'a> {
    /// A part.
    ///
    /// # Panics
    /// If it is not inside.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> ViewMut<'a> {
        assert!(range.start <= range.end && range.end <= self.length, "a part outside its numbers");
        let address = self.address + (range.start * self.element.size()) as u64;
        ViewMut { address, length: range.len(), ..self }
    }

    /// The same for a shorter time.
    pub fn again(&mut self) -> ViewMut<'_> {
        ViewMut { address: self.address, length: self.length, element: self.element, life: PhantomData }
    }

    /// The same to read.
    #[must_use]
    pub fn as_view(&self) -> View<'_> {
        View { address: self.address, length: self.length, element: self.element, life: PhantomData }
    }
}
