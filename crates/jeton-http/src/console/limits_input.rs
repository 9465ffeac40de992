//! What the form of a token says of how often it may be used.

use crate::browser::form::{Form, noted};
use jeton_console::pages::LimitsInput;
use jeton_console::{Field, Language};
use jeton_core::{MAX_USES, UseLimitError, UseLimits, UseRate, UseRates};

/// How often a token may be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limited {
    /// How often from now on; `Some(None)`: any number of times. `None`: what it has goes on.
    pub(super) uses: Option<Option<u64>>,
    /// How often in a time, the shortest first.
    pub(super) rates: Vec<UseRate>,
}

/// Those of a token that there is, with so many uses left.
pub(super) fn of_token(limits: &UseLimits, uses_left: Option<u64>) -> LimitsInput {
    let given = limits.allowance.map(|allowance| uses_left.unwrap_or(allowance.uses));
    let uses = given.map(|uses| uses.to_string()).unwrap_or_default();
    let rates: Vec<String> = limits.rates.as_slice().iter().map(ToString::to_string).collect();
    LimitsInput { uses: Field::of(&*uses), uses_shown: uses, rates: Field::of(rates.join("\n")) }
}

/// What was entered. A form without it, as from a page of before, takes no limits away: `None`.
pub(super) fn entered(form: &Form) -> Option<LimitsInput> {
    form.all("rates").next().map(|_| LimitsInput {
        uses: Field::of(form.text("uses")),
        uses_shown: form.text("uses_shown").to_owned(),
        rates: Field::of(form.text("rates")),
    })
}

/// What that means; `None`: some of it makes no sense, which its field says then.
pub(super) fn read(input: &mut LimitsInput, language: Language) -> Option<Limited> {
    let entered = uses_of(&input.uses.value);
    // What stands there as it was shown is what was left then, and less may be left by now.
    let was = uses_of(&input.uses_shown).ok();
    let uses = noted(&mut input.uses, entered, language.token_uses_wrong());
    let lines = input.rates.value.lines().map(str::trim).filter(|line| !line.is_empty());
    let listed = lines.map(str::parse).collect::<Result<_, _>>().and_then(UseRates::new);
    let rates = noted(&mut input.rates, listed, language.token_rates_wrong());
    Some(Limited { uses: Some(uses?).filter(|uses| was != Some(*uses)), rates: rates?.as_slice().to_vec() })
}

/// How many uses a text says; empty: any number.
fn uses_of(text: &str) -> Result<Option<u64>, UseLimitError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.filter(|uses| *uses <= MAX_USES).map(Some).ok_or(UseLimitError::Uses)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: Language = Language::English;

    fn entered_as(text: &str) -> LimitsInput {
        entered(&Form::read(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_nobody_touched_goes_on() {
        let limits: UseLimits = "uses=5@3 rates=2/1,100/60".parse().unwrap();
        for (limits, left, shown) in
            [(&limits, Some(3), "3"), (&limits, None, "5"), (&UseLimits::NONE, None, "")]
        {
            let mut input = of_token(limits, left);
            assert_eq!(input.uses.value, shown);
            let rates = limits.rates.as_slice().to_vec();
            assert_eq!(read(&mut input, ENGLISH), Some(Limited { uses: None, rates }));
        }
        assert!(entered(&Form::read(b"uses=3").unwrap()).is_none());
    }

    #[test]
    fn what_is_entered_is_understood() {
        let read_as = |text: &str| read(&mut entered_as(text), ENGLISH);
        let rates = |text: &str| text.parse::<UseRates>().unwrap().as_slice().to_vec();
        let uses = |uses| Some(Limited { uses, rates: Vec::new() });
        assert_eq!(read_as("uses=7&uses_shown=3&rates="), uses(Some(Some(7))));
        assert_eq!(read_as("uses=0&uses_shown=&rates="), uses(Some(Some(0))));
        assert_eq!(read_as("uses=+&uses_shown=3&rates="), uses(Some(None)));
        assert_eq!(read_as("uses=+03+&uses_shown=3&rates="), uses(None));
        let listed = read_as("rates=+100/60+%0D%0A%0D%0A5/1%0D%0A").unwrap();
        assert_eq!(listed, Limited { uses: None, rates: rates("5/1,100/60") });
    }

    #[test]
    fn what_makes_no_sense_is_said_at_its_field() {
        for (text, is_uses) in [
            ("uses=many&rates=", true),
            ("uses=-1&rates=", true),
            ("uses=%2B1&rates=", true),
            ("uses=1.5&rates=", true),
            ("uses=1000000000001&rates=", true),
            ("rates=100", false),
            ("rates=100/0", false),
            ("rates=100/60,5/1", false),
            ("rates=100/60%0A50/60", false),
            ("rates=1/1%0A1/2%0A1/3%0A1/4%0A1/5", false),
        ] {
            let mut input = entered_as(text);
            assert_eq!(read(&mut input, ENGLISH), None, "{text}");
            assert_eq!(
                (input.uses.error.is_empty(), input.rates.error.is_empty()),
                (!is_uses, is_uses),
                "{text}"
            );
        }
    }
}
