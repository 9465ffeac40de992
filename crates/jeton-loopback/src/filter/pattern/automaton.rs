//! The automata that patterns are compiled to.

use super::super::row::units;
use jeton_core::{Halt, Meter};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};
use std::sync::{Arc, Mutex, PoisonError};

/// At most this many bytes for the compiled form of a pattern.
const MAX_BYTES: usize = 256 * 1024;
/// At most this many bytes of cache while matching, unless a few states of the automaton need more.
const CACHE_BYTES: usize = 32 * 1024;
/// The cost of a state of the pattern when a state of the automaton is built from it. Doubled, because each
/// has a transition for the end of the text, whose state is built unseen.
const UNITS_PER_STATE: u64 = 8;

/// An automaton that reads a text once, byte by byte. Its states are built on demand; each costs time in the
/// size of the pattern, which is charged. So matching takes time linear in the bytes of the text, whatever
/// the pattern.
#[derive(Clone, Debug)]
pub(super) struct Automaton(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    dfa: DFA,
    anchored: Anchored,
    /// The cost of a new state.
    state_units: u64,
    bytes: usize,
    /// The states built so far, unless a match is using them.
    states: Mutex<Option<Box<Cache>>>,
}

/// A pattern cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompileError {
    /// It is not well-formed.
    Syntax,
    /// Its compiled form would be too large.
    TooLarge,
}

impl Automaton {
    /// Compiles an expression in the syntax of the engine. It matches anywhere or, if it is anchored, from
    /// the start.
    pub(super) fn compile(
        expression: &str,
        syntax: syntax::Config,
        anchored: Anchored,
    ) -> Result<Self, CompileError> {
        let nfa = thompson::Compiler::new()
            .syntax(syntax)
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(WhichCaptures::None)
                    .nfa_size_limit(Some(MAX_BYTES)),
            )
            .build(expression)
            .map_err(|error| match error.size_limit() {
                Some(_) => CompileError::TooLarge,
                None => CompileError::Syntax,
            })?;
        let state_units = UNITS_PER_STATE * units(nfa.states().len());
        let bytes = nfa.memory_usage();
        let config = DFA::config()
            // All matches, since some may have to be ignored: see `matches`.
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| CompileError::TooLarge)?;
        let states = Mutex::new(None);
        Ok(Automaton(Arc::new(Compiled { dfa, anchored, state_units, bytes, states })))
    }

    /// The bytes of its compiled form.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Whether it matches somewhere in `text`.
    pub(super) fn matches(&self, text: &str, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        meter.charge(units(text.len()))?;
        let kept = self.states().take();
        let mut cache = match kept {
            Some(cache) => cache,
            None => {
                meter.charge(4 * self.0.state_units)?;
                Box::new(self.0.dfa.create_cache())
            }
        };
        let matches = self.run(&mut cache, text, meter);
        *self.states() = Some(cache);
        matches
    }

    /// Frees the states that were built.
    pub(super) fn rest(&self) {
        *self.states() = None;
    }

    fn states(&self) -> std::sync::MutexGuard<'_, Option<Box<Cache>>> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, cache: &mut Cache, text: &str, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        let Compiled { dfa, anchored, state_units, .. } = &*self.0;
        let input = Input::new(text).anchored(*anchored);
        let Ok(mut state) = dfa.start_state_forward(cache, &input) else { Self::never_gives_up() };
        for (at, byte) in text.bytes().enumerate() {
            let known = !state.is_tagged();
            let mut next = if known { dfa.next_state_untagged(cache, state, byte) } else { state };
            if !known || next.is_unknown() {
                meter.charge(*state_units)?;
                next = dfa.next_state(cache, state, byte).unwrap_or_else(|_| Self::never_gives_up());
            }
            state = next;
            // What was matched ends before this byte. Only an empty match ends within a character, and
            // patterns match characters.
            if state.is_match() && text.is_char_boundary(at) {
                return Ok(true);
            }
            if state.is_dead() {
                return Ok(false);
            }
        }
        let end = dfa.next_eoi_state(cache, state).unwrap_or_else(|_| Self::never_gives_up());
        Ok(end.is_match())
    }

    fn never_gives_up() -> ! {
        unreachable!("no byte and no number of cleared caches makes the automaton give up")
    }
}
