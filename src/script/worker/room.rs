//! A fresh runtime with its builtins, made before its script is there: a worker that waits for work
//! has one in hand.

use std::{cell::Cell, rc::Rc, time::Instant};

use rquickjs::{Context, Runtime, context::intrinsic as builtin};

use super::told::Console;
use crate::clock::Clock;

/// What nearly every script has use for.
type Few = (builtin::Eval, builtin::RegExpCompiler, builtin::RegExp, builtin::Json, builtin::Promise);
/// With them all but the typed arrays, `atob`, `btoa` and `performance`.
type Others = (builtin::Date, builtin::Proxy, builtin::MapSet, builtin::WeakRef, builtin::DOMException);

/// How much of the builtins a runtime has. Typed arrays are a fifth of its cost, [`Others`] another
/// fifth; a script that names none of them never misses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Builtins {
    Few,
    Most,
    All,
}

impl Builtins {
    /// What this code can see. All, when it could reach the global object by other means than names.
    pub(super) fn of(code: &str) -> Self {
        const ALL: [&str; 13] = [
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
        const MOST: [&str; 7] = ["Date", "Map", "Set", "Weak", "Finalization", "Proxy", "DOMException"];
        let names = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if names(&ALL) {
            Self::All
        } else if names(&MOST) {
            Self::Most
        } else {
            Self::Few
        }
    }
}

/// A runtime for one script.
pub(super) struct Room {
    pub(super) context: Context,
    pub(super) runtime: Runtime,
    pub(super) console: Console,
    pub(super) limit: Limit,
    has: Builtins,
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
    pub(super) fn new(clock: &Clock, has: Builtins) -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        let limit = Limit { clock: clock.clone(), deadline: Rc::default(), fired: Rc::default() };
        let over = limit.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || over.is_over())));
        let context = match has {
            Builtins::Few => Context::custom::<Few>(&runtime),
            Builtins::Most => Context::custom::<(Few, Others)>(&runtime),
            Builtins::All => Context::full(&runtime),
        };
        Some(Self { context: context.ok()?, runtime, console: Console::default(), limit, has })
    }

    /// Whether it has all that a script needs.
    pub(super) fn fits(&self, needed: Builtins) -> bool {
        self.has >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_given_what_it_names() {
        for (code, has) in [
            ("return ctx.v + 1", Builtins::Few),
            ("return ctx.list.map((n) => n * 2)", Builtins::Few),
            ("return new Date().toISOString()", Builtins::Most),
            ("return [...new Set(ctx.list)]", Builtins::Most),
            ("return parseInt(ctx.n)", Builtins::All),
            ("return globalThis['Da' + 'te'].now()", Builtins::All),
            ("return ctx.f.constructor", Builtins::All),
            ("return D\\u0061te.now()", Builtins::All),
        ] {
            assert_eq!(Builtins::of(code), has, "{code}");
        }
    }
}
