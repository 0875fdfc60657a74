//! A quantity that keeps the text it was written as.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Cpu, Memory, QuantityError};

/// What a [`Quantity`] can be an amount of: [`Memory`] and [`Cpu`], which say what each means.
pub trait Amount: Copy + Ord + fmt::Display {
    /// Up to here a job gets all of its limit for certain.
    const SURE_MAX: Self;

    /// Reads what a user typed.
    ///
    /// # Errors
    /// When the text is not an amount that a job can have.
    fn typed(text: &str) -> Result<Self, QuantityError>;

    /// Reads what Kubernetes gives back.
    fn stored(text: &str) -> Option<Self>;

    /// What a job with this limit gets for certain.
    #[must_use]
    fn sure(self) -> Self;

    /// The amount in the smallest units that are counted.
    fn units(self) -> u64;
}

impl Amount for Memory {
    const SURE_MAX: Self = Self(Self::REQUEST_WHOLE_MAX);

    fn typed(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }

    fn stored(text: &str) -> Option<Self> {
        Self::parse_stored(text)
    }

    fn sure(self) -> Self {
        self.request()
    }

    fn units(self) -> u64 {
        self.bytes()
    }
}

impl Amount for Cpu {
    const SURE_MAX: Self = Self(Self::REQUEST_WHOLE_MAX);

    fn typed(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }

    fn stored(text: &str) -> Option<Self> {
        Self::parse_stored(text)
    }

    fn sure(self) -> Self {
        self.request()
    }

    fn units(self) -> u64 {
        self.millicores()
    }
}

/// An amount with the text that it was typed as: users are shown their own words, and `1Gi` is the
/// same limit as `1024Mi`. Text that is not an amount can't become one, so a limit is never lost on
/// its way to Kubernetes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[serde(bound = "A: Amount")]
pub struct Quantity<A> {
    text: String,
    amount: A,
}

impl<A: Amount> Quantity<A> {
    /// What was typed.
    pub fn as_typed(&self) -> &str {
        &self.text
    }

    /// How much that is.
    pub fn amount(&self) -> A {
        self.amount
    }
}

impl<A: Amount> TryFrom<String> for Quantity<A> {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        Ok(Self { amount: A::typed(&text)?, text })
    }
}

impl<A: Amount> FromStr for Quantity<A> {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        text.to_owned().try_into()
    }
}

impl<A> From<Quantity<A>> for String {
    fn from(quantity: Quantity<A>) -> Self {
        quantity.text
    }
}

impl<A> fmt::Display for Quantity<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<A: PartialEq> PartialEq for Quantity<A> {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount
    }
}

impl<A: Eq> Eq for Quantity<A> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_one_value_are_equal_however_they_are_written() {
        let memory = |text: &str| text.parse::<Quantity<Memory>>().unwrap();
        assert_eq!(memory("1Gi"), memory("1024Mi"));
        assert_ne!(memory("1Gi"), memory("1G"));
        let cpu = |text: &str| text.parse::<Quantity<Cpu>>().unwrap();
        assert_eq!(cpu("0.5"), cpu("500m"));
    }

    #[test]
    fn a_quantity_is_kept_as_it_was_typed_and_read_back_with_its_value() {
        let text = "\"1.50Gi\"";
        let quantity: Quantity<Memory> = serde_json::from_str(text).unwrap();
        assert_eq!(quantity.amount().bytes(), 3 << 29);
        assert_eq!((quantity.as_typed(), quantity.to_string().as_str()), ("1.50Gi", "1.50Gi"));
        assert_eq!(serde_json::to_string(&quantity).unwrap(), text);
    }

    #[test]
    fn text_that_is_not_a_quantity_cannot_become_one() {
        for text in ["\"much\"", "\"0\"", "\"\"", "5", "null"] {
            assert!(serde_json::from_str::<Quantity<Memory>>(text).is_err(), "{text}");
        }
    }
}
