//! A fresh runtime with its builtins, made before its script is there: a worker that waits for work
//! has one in hand.

use std::{cell::Cell, rc::Rc, time::Instant};

use rquickjs::{Context, Runtime, context::intrinsic as builtin};

use super::told::Console;
use crate::clock::Clock;

/// All but the typed arrays, which are a fifth of the cost, `atob`, `btoa` and `performance`.
type Most = (
    builtin::Date,
    builtin::Eval,
    builtin::RegExpCompiler,
    builtin::RegExp,
    builtin::Json,
    builtin::Proxy,
    builtin::MapSet,
    builtin::Promise,
    builtin::WeakRef,
    builtin::DOMException,
);
/// A runtime for one script.
pub(super) struct Room {
    pub(super) context: Context,
    pub(super) runtime: Runtime,
    pub(super) console: Console,
    pub(super) limit: Limit,
    whole: bool,
}

/// When a script must end, and whether it was told to.
#[derive(Clone)]
pub(super) struct Limit {
    clock: Clock,
    deadline: Rc<Cell<Option<Instant>>>,
    fired: Rc<Cell<bool>>,
}

impl Limit {
    /// The script begins.
    pub(super) fn set(&self, deadline: Instant) {
        self.deadline.set(Some(deadline));
    }

    /// The time is over; once it was, it stays so.
    pub(super) fn is_over(&self) -> bool {
        let over = || self.deadline.get().is_some_and(|deadline| self.clock.monotonic() >= deadline);
        self.fired.set(self.fired.get() || over());
        self.fired.get()
    }

    /// The script was told to end.
    pub(super) fn has_fired(&self) -> bool {
        self.fired.get()
    }
}

impl Room {
    /// `None` when memory is gone.
    pub(super) fn new(clock: &Clock, whole: bool) -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        let limit = Limit { clock: clock.clone(), deadline: Rc::default(), fired: Rc::default() };
        let over = limit.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || over.is_over())));
        let context = if whole { Context::full(&runtime) } else { Context::custom::<Most>(&runtime) };
        Some(Self { context: context.ok()?, runtime, console: Console::default(), limit, whole })
    }

    /// Whether it has all that this code can see.
    pub(super) fn fits(&self, code: &str) -> bool {
        self.whole || !may_see_all(code)
    }
}

/// The code names what only a whole runtime has, or could reach the global object by other means than
/// names.
pub(super) fn may_see_all(code: &str) -> bool {
    const WORDS: [&str; 13] = [
        "Int",
        "int8",
        "Float",
        "ArrayBuffer",
        "DataView",
        "atob",
        "btoa",
        "this",
        "This",
        "eval",
        "Function",
        "constructor",
        "\\",
    ];
    WORDS.iter().any(|word| code.contains(word))
}
