//! Which kinds may be added, subtracted, multiplied, divided and compared, and what comes out.

use super::{Need, Pairing, Row, Table};
use crate::ir::KindTag;
use crate::{kind::*, relation::*};

/// Makes the impls and the table of one operation out of sections. A section is a shorthand:
/// `alike P { K }` for `K . K = K`, `number_left { K }` for `Number . K = K`, `weight_right { K }` for
/// `K . Weight = K` with a constant weight; `each P N { L R = K, }` is in full.
macro_rules! table {
    ($(#[$doc:meta])* $TABLE:ident $Relation:ident; $( $section:ident $($arg:ident)* { $($body:tt)* } )*) => {
        $( section! { implement $Relation; $section [$($arg)*] $($body)* } )*
        $(#[$doc])*
        pub(crate) const $TABLE: Table = &[$( section! { collect $Relation; $section [$($arg)*] $($body)* } ),*];
    };
}
macro_rules! section {
    ($then:ident $Relation:ident; alike [$pairing:ident] $($k:ident)*) => {
        $then! { $Relation; $( $k $k $pairing AnyGradient $k; )* }
    };
    ($then:ident $Relation:ident; number_left [] $($k:ident)*) => {
        $then! { $Relation; $( Number $k Aligned AnyGradient $k; )* }
    };
    ($then:ident $Relation:ident; number_right [] $($k:ident)*) => {
        $then! { $Relation; $( $k Number Aligned AnyGradient $k; )* }
    };
    ($then:ident $Relation:ident; weight_left [] $($k:ident)*) => {
        $then! { $Relation; $( Weight $k Aligned WeightLeft $k; )* }
    };
    ($then:ident $Relation:ident; weight_right [] $($k:ident)*) => {
        $then! { $Relation; $( $k Weight Aligned WeightRight $k; )* }
    };
    ($then:ident $Relation:ident; each [$pairing:ident $need:ident] $($l:ident $r:ident = $out:ident),* $(,)?) => {
        $then! { $Relation; $( $l $r $pairing $need $out; )* }
    };
}
macro_rules! implement {
    ($Relation:ident; $( $l:ident $r:ident $pairing:ident $need:ident $out:ident; )*) => { $(
        #[diagnostic::do_not_recommend]
        impl $Relation<$l, $r> for $pairing {
            type Out = $out;
            type Need = $need;
        }
    )* };
}
macro_rules! collect {
    ($Relation:ident; $( $l:ident $r:ident $pairing:ident $need:ident $out:ident; )*) => {
        &[$( Row {
            left: KindTag::$l,
            right: KindTag::$r,
            pairing: Pairing::$pairing,
            need: Need::$need,
            out: KindTag::$out,
        } ),*]
    };
}

table! {
    /// `left + right`
    SUMS Adds;
    alike Aligned {
        Number LogProb Prob LogRatio Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl
    }
    alike Opposed { Prob LogProb LogRatio Reward Spread Weight Gain Loss Kl }
    number_left { Prob Ratio LogRatio Reward Margin Weight Spread }
    number_right { Prob Ratio LogRatio Reward Margin Weight Spread }
    each Aligned AnyGradient {
        LogProb LogRatio = LogProb,
        Reward Entropy = Reward,
        // What a critic expects of this token and all that follow.
        Reward Value = Return,
        Advantage Value = Return,
        Gain Entropy = Gain,
        Loss Kl = Loss,
    }
}
table! {
    /// `left - right`
    DIFFERENCES Subtracts;
    alike Aligned { Number LogRatio Prob Reward Margin Value Advantage Weight Spread Gain Entropy Kl }
    number_left { Prob Ratio LogRatio Reward Margin Weight }
    number_right { Prob Ratio LogRatio Reward Margin Weight }
    each Aligned AnyGradient {
        LogProb LogProb = LogRatio,
        Ratio LogRatio = Kl,
        Reward Kl = Reward,
        Reward Baseline = Advantage,
        Reward Value = Advantage,
        Baseline Reward = Advantage,
        Advantage Baseline = Advantage,
        Return Value = Advantage,
        Return Baseline = Advantage,
        Gain Kl = Gain,
        Gain Loss = Gain,
        Loss Gain = Loss,
        Loss Entropy = Loss,
        Loss LogProb = Loss,
    }
    each Opposed AnyGradient {
        LogProb LogProb = Margin,
        LogRatio LogRatio = Margin,
        Reward Reward = Margin,
        // By how many tokens the one is longer.
        Weight Weight = Margin,
    }
}
table! {
    /// `left * right`
    PRODUCTS Multiplies;
    alike Aligned { Number Prob Ratio Weight Spread }
    alike Opposed { Spread Weight }
    number_left { LogProb Prob Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl }
    number_right { LogProb Prob Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl }
    weight_left { LogProb LogRatio Prob Ratio Reward Margin Value Return Advantage Gain Loss Kl Entropy }
    weight_right { LogProb LogRatio Prob Ratio Reward Margin Value Return Advantage Gain Loss Kl Entropy }
    each Aligned AnyGradient {
        // The implicit reward. A number keeps a `LogProb`: half a log-likelihood is no reward.
        Number LogRatio = Reward,
        LogRatio Number = Reward,
        Prob LogRatio = Kl,
        LogRatio Prob = Kl,
        Prob LogProb = LogProb,
        LogProb Prob = LogProb,
        Prob Reward = Reward,
        Reward Prob = Reward,
        Prob Loss = Loss,
        Loss Prob = Loss,
        Prob Kl = Kl,
        Kl Prob = Kl,
        Ratio Kl = Kl,
        Kl Ratio = Kl,
    }
    each Aligned AdvantageRight {
        LogProb Advantage = Gain,
        Ratio Advantage = Gain,
    }
    each Aligned AdvantageLeft {
        Advantage LogProb = Gain,
        Advantage Ratio = Gain,
    }
}
table! {
    /// `left / right`
    QUOTIENTS Divides;
    alike Aligned { Number Weight }
    number_right { LogProb LogRatio Prob Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl }
    // By how often something is counted: the length of a response, the sum of the weights in a weighted mean.
    weight_right { LogProb LogRatio Reward Margin Baseline Advantage Gain Loss Entropy Kl }
    each Aligned AnyGradient {
        Number Weight = Weight,
        Prob Prob = Ratio,
        Reward Spread = Reward,
        Margin Spread = Margin,
    }
    each Aligned WeightRight {
        Advantage Spread = Advantage,
    }
}
table! {
    /// `min(left, right)`, `max(left, right)`
    CHOICES Compares;
    alike Aligned {
        Number LogProb Prob LogRatio Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl
    }
    number_right { LogProb Prob LogRatio Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Kl }
    each Aligned AnyGradient {
        Gain Advantage = Gain,
    }
}
table! {
    /// `log_interval(left, right)`
    INTERVALS Encloses;
    each Aligned AnyGradient {
        Margin Margin = LogProb,
        Margin Number = LogProb,
        Number Margin = LogProb,
    }
}
