//! Sums of products: the form that derivatives are added and multiplied in.

use super::super::expression::Ex;

/// A number times the factors above the line, over those below it.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) struct Product {
    pub(in super::super) number: f64,
    /// In order.
    pub(in super::super) above: Vec<Ex>,
    /// In order; none of them is above as well.
    pub(in super::super) below: Vec<Ex>,
}

impl Product {
    pub(in super::super) fn new(number: f64, mut above: Vec<Ex>, mut below: Vec<Ex>) -> Self {
        above.sort_unstable();
        below.sort_unstable();
        above.retain(|factor| match below.iter().position(|other| other == factor) {
            Some(at) => {
                below.remove(at);
                false
            }
            None => true,
        });
        Product { number, above, below }
    }

    pub(in super::super) fn times(&self, other: &Product) -> Product {
        let joined = |a: &[Ex], b: &[Ex]| [a, b].concat();
        Product::new(self.number * other.number, joined(&self.above, &other.above), joined(&self.below, &other.below))
    }

    pub(in super::super) fn inverse(&self) -> Product {
        Product::new(1.0 / self.number, self.below.clone(), self.above.clone())
    }

    /// The same but for the number in front?
    pub(in super::super) fn is_like(&self, other: &Product) -> bool {
        self.above == other.above && self.below == other.below
    }

    /// Without one of its factors.
    pub(in super::super) fn without(&self, factor: Ex) -> Option<Product> {
        let at = self.above.iter().position(|other| *other == factor)?;
        let mut rest = self.clone();
        rest.above.remove(at);
        Some(rest)
    }
}

/// A sum of products, no two alike.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in super::super) struct Sum(pub(in super::super) Vec<Product>);

impl Sum {
    pub(in super::super) fn one() -> Self {
        Sum::number(1.0)
    }

    pub(in super::super) fn number(number: f64) -> Self {
        Sum::from_products([Product::new(number, vec![], vec![])])
    }

    pub(in super::super) fn of(ex: Ex) -> Self {
        Sum(vec![Product::new(1.0, vec![ex], vec![])])
    }

    /// One over it.
    pub(in super::super) fn over(ex: Ex) -> Self {
        Sum(vec![Product::new(1.0, vec![], vec![ex])])
    }

    pub(in super::super) fn from_products(products: impl IntoIterator<Item = Product>) -> Self {
        let mut sum: Vec<Product> = Vec::new();
        for product in products {
            match sum.iter_mut().find(|known| known.is_like(&product)) {
                Some(known) => known.number += product.number,
                None => sum.push(product),
            }
        }
        sum.retain(|product| product.number != 0.0);
        Sum(sum)
    }

    pub(in super::super) fn plus(self, other: Sum) -> Sum {
        Sum::from_products(self.0.into_iter().chain(other.0))
    }

    pub(in super::super) fn times(&self, other: &Sum) -> Sum {
        Sum::from_products(self.0.iter().flat_map(|a| other.0.iter().map(move |b| a.times(b))))
    }

    pub(in super::super) fn scaled(&self, number: f64) -> Sum {
        self.times(&Sum::number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_products_are_added_and_factors_cancel() {
        let (a, b) = (Ex::of_index(0), Ex::of_index(1));
        let sum = Sum::of(a).plus(Sum::of(a)).plus(Sum::of(b)).plus(Sum::of(b).scaled(-1.0));
        assert_eq!(sum, Sum::of(a).scaled(2.0));
        assert_eq!(sum.times(&Sum::over(a)), Sum::number(2.0));
        assert_eq!(sum.plus(Sum::of(a).scaled(-2.0)), Sum::default());
    }
}
